// BTF, the kernel's type format: what a map's values and a program's functions look like, for the verifier (timers,
// locks), for bpftool and for traces. Linux Documentation/bpf/btf.rst, include/uapi/linux/btf.h:
//
//   magic u16 0xeb9f | version u8 | flags u8 | header length u32 | types' offset, length | strings' offset, length
//   types:   name u32 | kind flag (1 bit), kind (5 bits), vlen (16 bits) u32 | size or type u32 | what the kind adds
//   strings: "\0" "u32\0" …; a name is an offset into them
//
// Types are numbered from 1 in the order in which they were added; 0 is void.

import type { FieldType, StructType } from "#layout/struct.js";
import type { IntegerType } from "#layout/numbers.js";
import { u32 } from "#layout/numbers.js";
import type { MapSpec } from "./spec.js";

const BTF_MAGIC = 0xeb9f;
const BTF_VERSION = 1;
const HEADER_BYTES = 24;

const BTF_KIND_INT = 1;
const BTF_KIND_PTR = 2;
const BTF_KIND_ARRAY = 3;
const BTF_KIND_STRUCT = 4;
const BTF_KIND_FWD = 7;
const BTF_KIND_FUNC = 12;
const BTF_KIND_FUNC_PROTO = 13;

const BTF_INT_SIGNED = 1;
const BTF_FUNC_STATIC = 0;
const BTF_FUNC_GLOBAL = 1;

/** The number of a type in its BTF. */
export type BtfTypeId = number;
export const BTF_VOID: BtfTypeId = 0;

export interface BtfMember {
  readonly name: string;
  readonly type: BtfTypeId;
  readonly offsetBytes: number;
}
export interface BtfParameter {
  readonly name: string;
  readonly type: BtfTypeId;
}

/** Collects types and strings; a type that is already there is not added again. */
export class BtfBuilder {
  readonly #words: number[] = [];
  #typeCount = 0;
  readonly #known = new Map<string, BtfTypeId>();
  readonly #structs = new Map<StructType, BtfTypeId>();
  readonly #strings = new StringTable();

  /** The offset of `text` among the strings, as line records want it. */
  string(text: string): number {
    return this.#strings.offsetOf(text);
  }

  integer(name: string, bytes: 1 | 2 | 4 | 8, signed: boolean): BtfTypeId {
    const encoding = ((signed ? BTF_INT_SIGNED : 0) << 24) | (bytes * 8);
    return this.#add(BTF_KIND_INT, 0, identifier(name), bytes, [encoding]);
  }

  pointer(target: BtfTypeId): BtfTypeId {
    return this.#add(BTF_KIND_PTR, 0, "", target, []);
  }

  array(element: BtfTypeId, length: number): BtfTypeId {
    // The index's type has no meaning for the kernel, but must be an integer.
    return this.#add(BTF_KIND_ARRAY, 0, "", 0, [element, this.type(u32), length]);
  }

  struct(name: string, bytes: number, members: readonly BtfMember[]): BtfTypeId {
    const words = members.flatMap((member) => [this.string(identifier(member.name)), member.type, member.offsetBytes * 8]);
    return this.#add(BTF_KIND_STRUCT, members.length, identifier(name), bytes, words);
  }

  /** A struct known by name only, such as xdp_md. */
  forward(structName: string): BtfTypeId {
    return this.#add(BTF_KIND_FWD, 0, identifier(structName), 0, []);
  }

  functionPrototype(returnType: BtfTypeId, parameters: readonly BtfParameter[]): BtfTypeId {
    const words = parameters.flatMap((parameter) => [this.string(identifier(parameter.name)), parameter.type]);
    return this.#add(BTF_KIND_FUNC_PROTO, parameters.length, "", returnType, words);
  }

  /** Static functions are verified with their callers, global ones by themselves, once. */
  function(name: string, prototype: BtfTypeId, linkage: "static" | "global"): BtfTypeId {
    return this.#add(BTF_KIND_FUNC, linkage === "global" ? BTF_FUNC_GLOBAL : BTF_FUNC_STATIC, identifier(name), prototype, []);
  }

  /**
   * The type of a layout. The kernel finds timers and locks by name (Linux kernel/bpf/btf.c, btf_find_struct_field()):
   * the structs bpf_timer and bpf_spin_lock keep theirs, as every struct does.
   */
  type(layout: FieldType): BtfTypeId {
    if (layout.kind === "array") return this.array(this.type(layout.element as FieldType), layout.length);
    if (layout.kind === "integer") {
      const { typeName, bits, signed } = layout as IntegerType;
      return this.integer(typeName, (bits / 8) as 1 | 2 | 4 | 8, signed);
    }
    const known = this.#structs.get(layout);
    if (known !== undefined) return known;
    const members = layout.fields.map((field) => ({ name: field.name, type: this.type(field.type), offsetBytes: field.offset }));
    const id = this.struct(layout.name, layout.size, members);
    this.#structs.set(layout, id);
    return id;
  }

  encode(): Uint8Array {
    const strings = this.#strings.encode();
    const typeBytes = this.#words.length * 4;
    const bytes = new Uint8Array(HEADER_BYTES + typeBytes + strings.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, BTF_MAGIC, true);
    view.setUint8(2, BTF_VERSION);
    [HEADER_BYTES, 0, typeBytes, typeBytes, strings.length].forEach((word, i) => view.setUint32(4 + i * 4, word, true));
    this.#words.forEach((word, i) => view.setUint32(HEADER_BYTES + i * 4, word, true));
    bytes.set(strings, HEADER_BYTES + typeBytes);
    return bytes;
  }

  #add(kind: number, vlen: number, name: string, sizeOrType: number, extra: readonly number[]): BtfTypeId {
    const words = [this.string(name), (kind << 24) | vlen, sizeOrType, ...extra];
    const key = words.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#words.push(...words);
    this.#known.set(key, ++this.#typeCount);
    return this.#typeCount;
  }
}

/** What BPF_MAP_CREATE wants to know of a map's types. */
export interface MapBtf {
  readonly btf: Uint8Array;
  readonly keyTypeId: BtfTypeId;
  readonly valueTypeId: BtfTypeId;
}

/** Undefined for maps without described values (ring buffers, program arrays). */
export function btfForMap(spec: MapSpec): MapBtf | undefined {
  if (spec.value === undefined) return undefined;
  const builder = new BtfBuilder();
  // An array's key must be a 32-bit integer: Linux kernel/bpf/arraymap.c, array_map_check_btf().
  const keyTypeId = builder.type(spec.key ?? u32);
  const valueTypeId = spec.tableEntries === undefined ? builder.type(spec.value) : builder.array(builder.type(spec.value), spec.tableEntries / spec.maxEntries);
  return { btf: builder.encode(), keyTypeId, valueTypeId };
}

/** The string at `offset` of a BTF's strings; "" when there is none. */
export function btfString(btf: Uint8Array, offset: number): string {
  if (btf.length < HEADER_BYTES) return "";
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  const start = view.getUint32(4, true) + view.getUint32(16, true) + offset;
  const end = btf.indexOf(0, start);
  return new TextDecoder().decode(btf.subarray(start, end < 0 ? undefined : end));
}

/** NUL-terminated strings, each once; the first is empty. */
class StringTable {
  readonly #offsets = new Map<string, number>([["", 0]]);
  readonly #parts: Uint8Array[] = [Uint8Array.of(0)];
  #size = 1;

  offsetOf(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(`${text.replaceAll("\0", " ")}\0`);
    const offset = this.#size;
    this.#offsets.set(text, offset);
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return offset;
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** The kernel refuses BTF with other names (btf_name_valid_identifier(): C's identifiers, at most 128 characters). */
function identifier(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.]{0,127}$/.test(name)) return name;
  throw new RangeError(`Cannot describe "${name}" in BTF: its names are letters, digits and _, at most 128`);
}
