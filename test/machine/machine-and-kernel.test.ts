// The user-space machine against the kernel: the same bytecode on the same packet gives the same verdict, packet and
// context fields. Random programs for the instructions, tables of calls for the helpers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "#layout/codec.js";
import * as a from "#ebpf/assemble.js";
import { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 } from "#ebpf/assemble.js";
import { SkBuff } from "#ebpf/context.js";
import { disassemble } from "#ebpf/disassemble.js";
import { helperId } from "#ebpf/helper-names.js";
import { Machine, type PacketContext } from "#ebpf/machine.js";
import * as op from "#ebpf/opcode.js";
import { MapType, type MapSpec, type ProgramSpec } from "#ebpf/spec.js";
import { BpfMap } from "#kernel/map.js";
import { loadProgram } from "#kernel/program.js";
import { skBuffContext } from "#kernel/test-run.js";

const kernelLacks = ((): string | false => {
  try {
    BpfMap.create(mapSpec(MapType.ARRAY)).close();
    return false;
  } catch (error) {
    return `bpf(2) is not allowed here: ${(error as Error).message}`;
  }
})();

const PROGRAMS = 150;
const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 0xffff_ffff)) >>> 0 || 1;
let state = seed;
/** xorshift32. */
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>>= 0);
}
const below = (limit: number): number => random() % limit;
const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;

function mapSpec(type: MapType): MapSpec {
  return { kind: "map", name: "machine_test", type, keySize: 4, valueSize: 16, maxEntries: 2, flags: 0 };
}

interface Outcome {
  readonly verdict: number;
  readonly packet: Uint8Array;
  readonly mark: number;
  readonly gsoSize: number;
}

function inKernel(spec: ProgramSpec, packet: Uint8Array, context: PacketContext): Outcome {
  const maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]));
  const program = loadProgram(spec, maps);
  try {
    const { mark = 0, gsoSize = 0, gsoSegments = 0 } = context;
    const isSkBuff = spec.type === "tc";
    const given = isSkBuff ? { context: skBuffContext({ mark, gsoSize, gsoSegments }) } : {};
    const { returnValue, data, context: after } = program.testRun({ data: packet, ...given });
    const fields = isSkBuff ? decode(SkBuff, after) : { mark: 0, gsoSize: 0 };
    return { verdict: returnValue, packet: data, mark: fields.mark, gsoSize: fields.gsoSize };
  } finally {
    program.close();
    for (const map of maps.values()) map.close();
  }
}

function inMachine(spec: ProgramSpec, packet: Uint8Array, context: PacketContext): Outcome {
  const machine = new Machine();
  const { verdict, packet: after, mark, gsoSize } = machine.run(machine.load(spec), packet, context);
  return { verdict, packet: after, mark, gsoSize };
}

function agree(spec: ProgramSpec, packet: Uint8Array, note: string, context: PacketContext = {}): Outcome {
  const [kernel, machine] = [inKernel(spec, packet, context), inMachine(spec, packet, context)];
  assert.deepEqual(machine, { ...kernel, packet: Uint8Array.from(kernel.packet) }, note);
  return machine;
}

/**
 * Registers R0 … R9 and 64 bytes of stack come from the packet, random instructions change them, and they go back.
 * The packet's address waits on the stack.
 */
function randomProgram(): ProgramSpec {
  const registers = [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9];
  const load = registers.map((register, i) => (i === 9 ? [] : [a.load64(register, r9, i * 8)])).flat();
  const fill = Array.from({ length: 8 }, (_, i) => [a.load64(r0, r9, 80 + i * 8), a.store64(r10, -72 + i * 8, r0)]).flat();
  const body = Array.from({ length: 40 }, (_, i) => randomStatement(registers, i)).flat();
  return a.assembleProgram({ name: "random", type: "xdp" }, [
    a.load32(r9, r1, 0), a.load32(r8, r1, 4), a.mov64(r7, r9), a.add64(r7, 144), a.jle(r7, r8, "long"), a.mov64(r0, 1), a.exit(),
    a.label("long"), a.store64(r10, -8, r9), ...fill, ...load, a.load64(r9, r9, 72),
    ...body,
    a.store64(r10, -80, r9), a.store64(r10, -88, r8), a.load64(r9, r10, -8),
    ...registers.slice(0, 8).map((register, i) => a.store64(r9, i * 8, register)),
    ...[-88, -80].flatMap((from, i) => [a.load64(r1, r10, from), a.store64(r9, 64 + i * 8, r1)]),
    ...Array.from({ length: 8 }, (_, i) => [a.load64(r1, r10, -72 + i * 8), a.store64(r9, 80 + i * 8, r1)]).flat(),
    a.mov64(r0, 2), a.exit(),
  ]);
}

const arithmetic64 = [a.mov64, a.add64, a.sub64, a.mul64, a.div64, a.mod64, a.or64, a.and64, a.xor64];
const arithmetic32 = [a.mov32, a.add32, a.sub32, a.mul32, a.div32, a.mod32, a.or32, a.and32, a.xor32];
const divisions = new Set([a.div64, a.mod64, a.div32, a.mod32]);
const shifts64 = [a.lsh64, a.rsh64, a.arsh64];
const shifts32 = [a.lsh32, a.rsh32, a.arsh32];
const branches = [a.jeq, a.jne, a.jgt, a.jge, a.jlt, a.jle, a.jset, a.jsgt, a.jsge, a.jslt, a.jsle,
  a.jeq32, a.jne32, a.jgt32, a.jge32, a.jlt32, a.jle32, a.jset32, a.jsgt32, a.jsge32, a.jslt32, a.jsle32];

function randomStatement(registers: readonly a.Register[], serial: number): a.Statement[] {
  const [x, y] = [pick(registers), pick(registers)];
  const immediate = pick([0, 1, -1, 2, 7, 255, 0x7fff_ffff, -0x8000_0000, random() | 0]);
  const operand = pick<a.Operand>([y, immediate]);
  const slot = -72 + 8 * below(8);
  switch (below(10)) {
    case 0: case 1: case 2: {
      const operation = pick([...arithmetic64, ...arithmetic32]);
      // The verifier refuses a constant zero as divisor.
      return [operation(x, divisions.has(operation) && operand === 0 ? y : operand)];
    }
    case 3: return [pick(shifts64)(x, pick<a.Operand>([y, below(64)]))];
    case 4: return [pick(shifts32)(x, pick<a.Operand>([y, below(32)]))];
    case 5: return [pick([a.neg64, a.neg32])(x)];
    case 6: return [pick([a.bigEndian, a.littleEndian])(x, pick([16, 32, 64]))];
    case 7: return [pick([a.store8, a.store16, a.store32, a.store64])(r10, slot, operand), pick([a.load8, a.load16, a.load32, a.load64])(y, r10, slot)];
    case 8: {
      const operation = pick([op.BPF_ADD, op.BPF_OR, op.BPF_AND, op.BPF_XOR].flatMap((plain) => [plain, plain | op.BPF_FETCH]).concat(op.BPF_XCHG, op.BPF_CMPXCHG));
      return [pick([a.atomic32, a.atomic64])(operation, r10, slot, x)];
    }
    // Few: each may double the states that the verifier walks.
    default: return serial % 4 === 0 ? [pick(branches)(x, operand, `after${serial}`), a.xor64(x, 0x55), a.label(`after${serial}`)] : [a.mov64(x, y)];
  }
}

test(`random programs leave the same registers and stack (${PROGRAMS} of them, WEIR_SEED=${seed})`, { skip: kernelLacks }, () => {
  for (let i = 0; i < PROGRAMS; i++) {
    const spec = randomProgram();
    for (let round = 0; round < 4; round++) {
      const packet = Uint8Array.from({ length: 144 }, () => (below(3) === 0 ? pick([0, 0xff, 0x80, 0x7f]) : below(256)));
      const { verdict } = agree(spec, packet, `WEIR_SEED=${seed}, program ${i}:\n${disassemble(spec)}`);
      assert.equal(verdict, 2);
    }
  }
});

/** An Ethernet frame with IPv4, TCP and a payload; checksums as they come. */
function frame(length: number, etherType = 0x0800): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + 3) & 0xff);
  bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, etherType >> 8, etherType & 0xff]);
  bytes.set(etherType === 0x0800 ? [0x45, 0, 0, length - 14, 0, 1, 0, 0, 64, 6] : [0x60, 0, 0, 0, 0, length - 54, 6, 64], 14);
  return bytes;
}

const call = (name: string): a.Statement => a.callHelper(helperId(name));
/** The context stands in R6; the helper's result becomes the verdict, the length the mark. */
function helperProgram(type: "xdp" | "tc", statements: readonly a.Statement[]): ProgramSpec {
  const length = type === "tc" ? [a.load32(r2, r6, 0), a.store32(r6, 8, r2)] : [];
  return a.assembleProgram({ name: "helper", type }, [a.mov64(r6, r1), ...statements, ...length, a.exit()]);
}
const wide = (register: a.Register, value: number): a.Statement => a.loadImmediate64(register, BigInt(value >>> 0));

for (const name of ["bpf_l3_csum_replace", "bpf_l4_csum_replace"]) {
  test(`${name}() writes the kernel's checksums, edges included`, { skip: kernelLacks }, () => {
    const words = [0, 1, 0xffff, 0x1_0000, 0xffff_0000, 0xffff_ffff, random()];
    for (const size of [0, 2, 4, 0x10 | 4, 0x10, 0x20 | 2, 0x60 | 4, 3]) {
      for (let i = 0; i < 40; i++) {
        const packet = frame(60);
        new DataView(packet.buffer).setUint16(50, pick([0, 0xffff, 1, below(0x10000)]));
        const [from, to] = [(size & 0xf) === 0 ? pick([0, 0, 1]) : pick(words), pick(words)];
        const offset = pick([50, 50, 50, 51, 70]);
        agree(helperProgram("tc", [a.mov64(r1, r6), a.mov64(r2, offset), wide(r3, from), wide(r4, to), a.mov64(r5, size), call(name)]), packet,
          `WEIR_SEED=${seed}: size and flags ${size}, from ${from} to ${to} at ${offset}`);
      }
    }
  });
}

test("bpf_csum_diff() gives the kernel's sums", { skip: kernelLacks }, () => {
  const sizes = [0, 4, 8, 12];
  for (let i = 0; i < 100; i++) {
    const [fromSize, toSize, diffSeed] = [pick(sizes), pick(sizes), pick([0, 1, 0xffff, 0xffff_ffff, random()])];
    const fill = [-8, -16, -24, -32].flatMap((slot) => [a.loadImmediate64(r1, pick([0n, -1n, BigInt(random()) << 20n])), a.store64(r10, slot, r1)]);
    const spec = helperProgram("tc", [
      ...fill, a.mov64(r1, r10), a.add64(r1, -16), a.mov64(r2, fromSize), a.mov64(r3, r10), a.add64(r3, -32), a.mov64(r4, toSize), wide(r5, diffSeed),
      call("bpf_csum_diff"),
    ]);
    agree(spec, frame(60), `WEIR_SEED=${seed}:\n${disassemble(spec)}`);
  }
});

test("bpf_skb_adjust_room() moves bytes and refuses as the kernel does", { skip: kernelLacks }, () => {
  for (const etherType of [0x0800, 0x86dd, 0x0806]) {
    for (const difference of [20, 40, 28, 500, 0x1000, 0, -20, -8, -26, -60, -100]) {
      for (const mode of [0, 1, 2]) {
        for (const flags of [0n, 2n, 4n, 6n, 0x12n, 0x0an, 0x1an, 0x20n, 0x42n, 0x42n | (14n << 56n), 0x80n, 0x100n, 0x180n, 0x200n]) {
          const adjust = [a.mov64(r1, r6), a.mov64(r2, difference), a.mov64(r3, mode), a.loadImmediate64(r4, flags), call("bpf_skb_adjust_room")];
          agree(helperProgram("tc", adjust), frame(100, etherType), `EtherType ${etherType.toString(16)}, ${difference}, mode ${mode}, flags ${flags}`);
        }
      }
    }
  }
});

test("bpf_skb_change_proto() changes the family, or refuses, as the kernel does", { skip: kernelLacks }, () => {
  for (const etherType of [0x0800, 0x86dd, 0x0806]) {
    for (const to of [0x0008, 0xdd86, 0x0608, 0x1_0008]) {
      for (const flags of [0, 1]) {
        const change = [a.mov64(r1, r6), a.mov64(r2, to), a.mov64(r3, flags), call("bpf_skb_change_proto")];
        for (const length of [100, 54]) agree(helperProgram("tc", change), frame(length, etherType), `EtherType ${etherType.toString(16)}, to ${to.toString(16)}, flags ${flags}, ${length} bytes`);
      }
    }
  }
});

// A test run gives back at most 512 bytes more than it got; the lengths beyond are refused.
for (const [name, values] of [["bpf_skb_change_tail", [0, 13, 14, 33, 34, 60, 100, 101, 300, 16065]], ["bpf_skb_change_head", [0, 1, 14, 500, 15965]]] as const) {
  test(`${name}() agrees at its limits`, { skip: kernelLacks }, () => {
    for (const value of values) {
      agree(helperProgram("tc", [a.mov64(r1, r6), a.mov64(r2, value), a.mov64(r3, 0), call(name)]), frame(100), `${name}(${value})`);
    }
  });
}

test("bpf_skb_store_bytes() and bpf_skb_load_bytes() agree, beyond the packet too", { skip: kernelLacks }, () => {
  for (const offset of [0, 40, 96, 97, 100, 0x7fff_ffff]) {
    const buffer = [a.store32(r10, -4, 0x01020304), a.mov64(r1, r6), wide(r2, offset), a.mov64(r3, r10), a.add64(r3, -4), a.mov64(r4, 4)];
    agree(helperProgram("tc", [...buffer, a.mov64(r5, 0), call("bpf_skb_store_bytes")]), frame(100), `store at ${offset}`);
    agree(helperProgram("tc", [...buffer, call("bpf_skb_load_bytes"), a.jne(r0, 0, "out"), a.load32(r0, r10, -4), a.label("out")]), frame(100), `load at ${offset}`);
  }
});

/** bpf_xdp_adjust_head() uncovers bytes that hold nothing in particular: the program writes them. */
test("bpf_xdp_adjust_head() and bpf_xdp_adjust_tail() agree at their limits", { skip: kernelLacks }, () => {
  for (const difference of [0, 1, 20, 86, 87, -1, -14, -216, -217, -256, -257]) {
    const clear = [a.mov64(r7, r0), a.load32(r1, r6, 0), a.load32(r2, r6, 4),
      ...Array.from({ length: 32 }, (_, i) => [a.mov64(r3, r1), a.add64(r3, i * 8 + 8), a.jgt(r3, r2, "out"), a.store64(r1, i * 8, 0)]).flat(),
      a.label("out"), a.mov64(r0, r7)];
    agree(helperProgram("xdp", [a.mov64(r1, r6), a.mov64(r2, difference), call("bpf_xdp_adjust_head"), ...clear]), frame(100), `head by ${difference}`);
  }
  for (const difference of [0, 1, 400, -1, -86, -87, 3421, 4000]) {
    const spec = helperProgram("xdp", [a.mov64(r1, r6), a.mov64(r2, difference), call("bpf_xdp_adjust_tail")]);
    agree(spec, frame(100), `tail by ${difference}`);
  }
});

for (const type of [MapType.HASH, MapType.ARRAY, MapType.PERCPU_ARRAY]) {
  test(`updates, look-ups and deletes of a map of type ${type} answer as the kernel's`, { skip: kernelLacks }, () => {
    const map = mapSpec(type);
    const update = (key: number, flags: number): a.Statement[] => [
      a.store32(r10, -4, key), a.store64(r10, -24, key), a.store64(r10, -16, flags),
      a.mapReference(r1, map), a.mov64(r2, r10), a.add64(r2, -4), a.mov64(r3, r10), a.add64(r3, -24), a.mov64(r4, flags), call("bpf_map_update_elem"),
      ...fold,
    ];
    const remove = (key: number): a.Statement[] =>
      [a.store32(r10, -4, key), a.mapReference(r1, map), a.mov64(r2, r10), a.add64(r2, -4), call("bpf_map_delete_elem"), ...fold];
    const lookup = (key: number, serial: number): a.Statement[] => [
      a.store32(r10, -4, key), a.mapReference(r1, map), a.mov64(r2, r10), a.add64(r2, -4), call("bpf_map_lookup_elem"),
      a.jeq(r0, 0, `none${serial}`), a.load64(r0, r0, 8), a.add64(r0, 1), a.label(`none${serial}`), ...fold,
    ];
    // R7 takes up every answer: shifted, so that their order counts.
    const fold = [a.mul64(r7, 31), a.add64(r7, r0)];
    for (let i = 0; i < 40; i++) {
      const steps = Array.from({ length: 12 }, (_, serial) => pick([() => update(below(4), below(3)), () => remove(below(4)), () => lookup(below(4), serial)])()).flat();
      const spec = helperProgram("tc", [a.mov64(r7, 0), ...steps, a.mov64(r0, r7)]);
      agree(spec, frame(60), `WEIR_SEED=${seed}:\n${disassemble(spec)}`);
    }
  });
}
