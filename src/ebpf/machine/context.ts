// The program's argument. Programs read struct xdp_md or struct __sk_buff; the kernel's verifier rewrites each access
// into one of its own xdp_buff or sk_buff (Linux net/core/filter.c, xdp_convert_ctx_access(), bpf_convert_ctx_access()).
// Here the structs are memory; only data, dataEnd and dataMeta are more: 32-bit fields that load as addresses.

import type { StructType } from "#layout/struct.js";
import { fieldOf } from "#layout/struct.js";
import { SkBuff, XdpMd } from "../context.js";
import type { ProgramType } from "../spec.js";
import { Fault } from "./errors.js";
import type { Region } from "./memory.js";
import { ORIGIN, createRegion } from "./memory.js";
import type { Packet } from "./packet.js";
import type { Registers } from "./registers.js";

/** What a TC program may write: net/core/filter.c, tc_cls_act_is_valid_access(). */
const writableFields = ["mark", "queueMapping", "priority", "tcIndex", "cb", "tcClassid", "timestamp"];

/** A program type's struct, and where its addresses stand. */
interface Layout {
  readonly struct: StructType<any, any>;
  readonly data: number;
  readonly dataEnd: number;
  readonly dataMeta: number;
}
const [xdpLayout, skBuffLayout] = [XdpMd, SkBuff].map((struct: StructType<any, any>): Layout => ({
  struct, data: fieldOf(struct, "data").offset, dataEnd: fieldOf(struct, "dataEnd").offset, dataMeta: fieldOf(struct, "dataMeta").offset,
})) as [Layout, Layout];

export class Context {
  readonly region: Region;
  /** A syscall program's argument is plain memory. */
  readonly #layout: Layout | undefined;
  readonly #packet: Packet;

  constructor(type: ProgramType, packet: Packet, syscallArgument?: Uint8Array) {
    this.#layout = type === "syscall" ? undefined : type === "xdp" ? xdpLayout : skBuffLayout;
    this.#packet = packet;
    this.region = createRegion("the context", syscallArgument ?? new Uint8Array(this.#layout?.struct.size ?? 0));
  }

  set(values: { readonly [field: string]: number }): void {
    for (const name in values) this.region.view.setUint32(this.#offsetOf(name), values[name]!, true);
  }

  get(field: string): number {
    return this.region.view.getUint32(this.#offsetOf(field), true);
  }

  /** True when the field at `at` is an address, which is then in register `d`. */
  loadAddress(r: Registers, d: number, at: number, bytes: number): boolean {
    const layout = this.#layout;
    if (layout === undefined || (at !== layout.data && at !== layout.dataEnd && at !== layout.dataMeta)) return false;
    if (bytes !== 4) throw new Fault(`reads ${bytes} bytes of an address in the context; it is loaded by 4`);
    r[d] = ORIGIN + (at === layout.dataEnd ? this.#packet.linear : 0);
    r[d + 1] = this.#packet.regionId;
    return true;
  }

  expectWritable(at: number): void {
    const layout = this.#layout;
    if (layout === undefined) return;
    const field = layout.struct.fields.find((candidate) => at >= candidate.offset && at < candidate.offset + candidate.size);
    if (layout === skBuffLayout && field !== undefined && writableFields.includes(field.name)) return;
    throw new Fault(`writes to ${field?.name ?? `byte ${at}`} of ${layout.struct.name}, which is read only`);
  }

  #offsetOf(name: string): number {
    if (this.#layout === undefined) throw new Fault(`has a context without a field ${name}`);
    return fieldOf(this.#layout.struct, name).offset;
  }
}
