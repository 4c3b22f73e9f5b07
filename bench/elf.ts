// As much of the ELF format as it takes to read one program from clang's object file (elf(5); relocations of eBPF: Linux
// Documentation/bpf/llvm_reloc.rst). The functions that the program calls stand in .text, and come behind it.

import type { Instruction } from "#ebpf/instruction.js";
import { decodeInstructions, encodeInstructions } from "#ebpf/instruction.js";
import type { Relocation } from "#ebpf/spec.js";
import { decode } from "#layout/codec.js";
import { u16, u32, u64, u8 } from "#layout/numbers.js";
import type { StructType, Values } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";

const FileHeader = struct("Elf64_Ehdr", {
  identification: array(u8, 16), type: u16, machine: u16, version: u32, entry: u64, programHeadersAt: u64, sectionsAt: u64, flags: u32,
  headerBytes: u16, programHeaderBytes: u16, programHeaders: u16, sectionBytes: u16, sections: u16, namesSection: u16,
}, { size: 64 });
const Section = struct("Elf64_Shdr", {
  name: u32, type: u32, flags: u64, address: u64, at: u64, bytes: u64, link: u32, info: u32, alignment: u64, entryBytes: u64,
}, { size: 64 });
const Symbol = struct("Elf64_Sym", { name: u32, info: u8, other: u8, section: u16, value: u64, bytes: u64 }, { size: 24 });
const SectionRelocation = struct("Elf64_Rel", { at: u64, type: u32, symbol: u32 }, { size: 16 });

const SHT_REL = 9;
/** A map's address goes into a 64-bit load; a function's into a call. */
const R_BPF_64_64 = 1;
const R_BPF_64_32 = 10;

interface NamedSection extends Values<typeof Section> {
  readonly nameText: string;
}

export interface ElfProgram {
  readonly instructions: Uint8Array;
  /** Of symbols that the object does not define. `kind` is "map" for all: only who loads it knows which are values. */
  readonly relocations: readonly Relocation[];
}

export function readProgram(object: Uint8Array, sectionName: string): ElfProgram {
  const sections = readSections(object);
  const program = sections.findIndex(({ nameText }) => nameText === sectionName);
  if (program < 0) throw new RangeError(`Cannot read a program from the object file: there is no section "${sectionName}", only ${sections.map(({ nameText }) => nameText).join(" ")}`);
  const text = sections.findIndex(({ nameText }) => nameText === ".text");
  const parts = [program, text].filter((index) => index >= 0 && sections[index]!.bytes > 0n);

  const instructions: Instruction[] = [];
  const startOf = new Map<number, number>();
  for (const index of parts) {
    startOf.set(index, instructions.length);
    instructions.push(...decodeInstructions(bytesOf(object, sections[index]!)));
  }
  const relocations: Relocation[] = [];
  for (const section of sections.filter(({ type, info }) => type === SHT_REL && startOf.has(info))) {
    const symbols = sections[section.link]!;
    for (const { at, type, symbol: number } of all(SectionRelocation, bytesOf(object, section))) {
      const slot = startOf.get(section.info)! + Number(at) / 8;
      const symbol = decode(Symbol, bytesOf(object, symbols), number * Symbol.size);
      const instruction = instructions[slot]!;
      if (type === R_BPF_64_64) relocations.push({ at: slot, map: nameAt(object, sections[symbols.link]!, symbol.name), kind: "map", offset: instruction.imm });
      else if (type === R_BPF_64_32) instructions[slot] = { ...instruction, imm: callDistance(instruction, slot, startOf.get(symbol.section), symbol) };
      else throw new RangeError(`Cannot read a program from the object file: relocation type ${type} at instruction ${slot}; only maps and calls are known`);
    }
  }
  return { instructions: encodeInstructions(instructions), relocations };
}

/** The immediate of a call counts from the section's start, in instructions, less one; here it becomes a distance. */
function callDistance(call: Instruction, slot: number, start: number | undefined, symbol: Values<typeof Symbol>): number {
  if (start === undefined) throw new RangeError(`Cannot read a program from the object file: instruction ${slot} calls a function outside of .text`);
  return start + Number(symbol.value) / 8 + call.imm + 1 - slot - 1;
}

function readSections(object: Uint8Array): readonly NamedSection[] {
  const header = decode(FileHeader, object);
  const sections = Array.from({ length: header.sections }, (_, i) => decode(Section, object, Number(header.sectionsAt) + i * header.sectionBytes));
  const names = sections[header.namesSection]!;
  return sections.map((section) => ({ ...section, nameText: nameAt(object, names, section.name) }));
}

function bytesOf(object: Uint8Array, section: Values<typeof Section>): Uint8Array {
  return object.subarray(Number(section.at), Number(section.at + section.bytes));
}

function nameAt(object: Uint8Array, strings: Values<typeof Section>, offset: number): string {
  const bytes = bytesOf(object, strings).subarray(offset);
  return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString("latin1");
}

function all<S extends StructType<any, any>>(type: S, bytes: Uint8Array): readonly Values<S>[] {
  return Array.from({ length: bytes.length / type.size }, (_, i) => decode(type, bytes, i * type.size));
}
