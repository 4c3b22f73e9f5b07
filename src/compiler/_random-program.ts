// Random programs that the verifier accepts, for tests: arithmetic of both widths, branches, loops, calls, packet, map
// and stack memory. Values are picked from everything computed so far, so that many are alive at once.

import type { BinaryOperator, Block, Instruction, IrFunction, IrProgram, Predicate } from "./ir.js";
import { Builder, newBlock, newFunction, newSlot } from "./ir-builder.js";
import { arrayMap, table } from "#prelude/maps.js";
import { struct } from "#layout/struct.js";
import { u64 } from "#layout/numbers.js";

const Entry = struct("Entry", { first: u64, second: u64 });
export const randomTable = table("random_table", Entry, 8);
/** Four banks of two. */
export const randomBanks = table("random_banks", Entry, 8, { bankBytes: 2 * Entry.size });
export const randomArray = arrayMap("random_array", Entry, 4);
export const randomMaps = [randomTable, randomBanks, randomArray];
export const PACKET_BYTES = 64;
const DIGESTED = 8;
/** So many of the latest values of each type are used again. */
const ALIVE = 14;

/** Numbers from a seed: Marsaglia, "Xorshift RNGs" (2003). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  }

  /** 0 … end - 1 */
  below(end: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    this.state >>>= 0;
    return this.state % end;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

const operators: readonly BinaryOperator[] = ["add", "sub", "mul", "udiv", "umod", "and", "or", "xor", "shl", "lshr", "ashr"];
const predicates: readonly Predicate[] = ["eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge"];
const interesting = [0n, 1n, 2n, 7n, 8n, 255n, 256n, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x1234_5678_9abc_def0n, 0xffff_ffff_ffff_ffffn];

export function randomProgram(random: Random, size = 40): IrProgram {
  const callees = Array.from({ length: random.below(3) }, (_, i) => {
    const kinds = Array.from({ length: 1 + random.below(5) }, () => random.pick(["i32", "i64"] as const));
    const fn = newFunction(`callee${i}`, {
      parameters: kinds.map((type, at) => ({ name: `p${at}`, type, kernelType: { integer: type === "i32" ? "u32" : "u64" } })),
      returnType: random.pick(["i32", "i64"] as const), returnKernelType: { integer: "u64" },
    });
    new Generator(random, fn, []).callee(size / 3);
    return fn;
  });
  const entry = newFunction("entry", {
    parameters: [{ name: "packet", type: "pointer", kernelType: { pointerTo: "xdp_md" } }], returnType: "i32", returnKernelType: { integer: "i32" },
  });
  new Generator(random, entry, callees).entry(size);
  return { name: "random", type: "xdp", functions: [entry, ...callees] };
}

class Generator {
  private readonly b: Builder;
  private i32s: Instruction[] = [];
  private i64s: Instruction[] = [];
  private bools: Instruction[] = [];
  private data: Instruction | undefined;

  constructor(private readonly random: Random, private readonly fn: IrFunction, private readonly callees: readonly IrFunction[]) {
    this.b = new Builder(fn);
  }

  entry(size: number): void {
    const context = this.b.parameter(0);
    const data = this.b.loadPointer(context, 0);
    const end = this.b.loadPointer(context, 4);
    const [short, long] = [newBlock(this.fn), newBlock(this.fn)];
    this.b.branch(this.b.compare("ugt", this.b.pointerAdd(data, PACKET_BYTES), end), short, long);
    this.b.block = short;
    this.b.return(this.b.constant("i32", 0));
    this.b.block = long;
    this.data = data;
    for (let i = 0; i < 4; i++) this.packetLoad();
    this.statements(size, 0);
    this.b.return(this.digest());
  }

  callee(size: number): void {
    this.fn.parameters.forEach(({ type }, i) => (type === "i32" ? this.i32s : this.i64s).push(this.b.parameter(i)));
    this.statements(size, 0);
    const digest = this.digest();
    this.b.return(this.fn.returnType === "i32" ? digest : this.b.convert("zeroExtend", digest));
  }

  private statements(count: number, depth: number): void {
    for (let i = 0; i < count; i++) this.statement(depth);
  }

  private statement(depth: number): void {
    const kind = this.random.below(34);
    if (kind < 12) this.arithmetic();
    else if (kind < 16) this.conversion();
    else if (kind < 18) this.bools.push(this.comparison());
    else if (kind < 20) this.packetLoad();
    else if (kind < 22) this.packetStore();
    else if (kind < 24) this.tableAccess();
    else if (kind < 25) this.arrayAccess();
    else if (kind < 26) this.slot();
    else if (kind < 28) this.call();
    else if (kind < 29) this.boolStatement();
    else if (depth >= 3) this.arithmetic();
    else if (kind < 32) this.conditional(depth);
    else if (depth < 2) this.loop(depth);
  }

  private i32(): Instruction {
    if (this.i32s.length === 0 || this.random.below(5) === 0) return this.b.constant("i32", this.random.pick(interesting));
    return this.random.pick(this.i32s.slice(-ALIVE));
  }

  private i64(): Instruction {
    if (this.i64s.length === 0 || this.random.below(5) === 0) return this.b.constant("i64", this.random.pick(interesting));
    return this.random.pick(this.i64s.slice(-ALIVE));
  }

  private bool(): Instruction {
    return this.bools.length === 0 || this.random.below(3) > 0 ? this.comparison() : this.random.pick(this.bools);
  }

  private arithmetic(): void {
    const operator = this.random.pick(operators);
    if (this.random.below(2) === 0) this.i32s.push(this.b.binary(operator, this.i32(), this.i32()));
    else this.i64s.push(this.b.binary(operator, this.i64(), this.i64()));
  }

  private conversion(): void {
    switch (this.random.below(6)) {
      case 0: this.i64s.push(this.b.convert("zeroExtend", this.i32())); break;
      case 1: this.i64s.push(this.b.convert("signExtend", this.i32())); break;
      case 2: this.i32s.push(this.b.convert("truncate", this.i64())); break;
      case 3: this.i32s.push(this.b.convert("boolToInt", this.bool())); break;
      case 4: this.i32s.push(this.b.byteSwap(this.random.pick([16, 32] as const), this.i32())); break;
      default: this.i64s.push(this.b.byteSwap(64, this.i64()));
    }
  }

  private comparison(): Instruction {
    const predicate = this.random.pick(predicates);
    return this.random.below(2) === 0 ? this.b.compare(predicate, this.i32(), this.i32()) : this.b.compare(predicate, this.i64(), this.i64());
  }

  private packetLoad(): void {
    if (this.data === undefined) return;
    const bits = this.random.pick([8, 16, 32, 64] as const);
    const value = this.b.load(bits, this.packetAt(bits), 0, "packet");
    (bits === 64 ? this.i64s : this.i32s).push(value);
  }

  private packetStore(): void {
    if (this.data === undefined) return;
    const bits = this.random.pick([8, 16, 32, 64] as const);
    this.b.store(bits, this.packetAt(bits), 0, bits === 64 ? this.i64() : this.i32(), "packet");
  }

  private packetAt(bits: number): Instruction {
    return this.b.pointerAdd(this.data!, this.random.below(PACKET_BYTES / 2 - bits / 8 + 1));
  }

  private tableAccess(): void {
    const index = this.i32();
    const isBanked = this.random.below(2) === 0;
    const low = this.b.binary("and", index, this.b.constant("i32", isBanked ? 1 : 7));
    const offset = this.b.binary("mul", this.b.convert("zeroExtend", low), this.b.constant("i64", Entry.size));
    this.access(this.b.pointerAdd(isBanked ? this.bank(index) : this.b.mapValue(randomTable), 0, offset));
  }

  private bank(index: Instruction): Instruction {
    return this.b.mapBank(randomBanks, this.b.binary("and", this.b.binary("lshr", index, this.b.constant("i32", 1)), this.b.constant("i32", 3)));
  }

  private arrayAccess(): void {
    const key = newSlot(this.fn, 4, "key");
    const address = this.b.stackAddress(key);
    this.b.store(32, address, 0, this.b.binary("and", this.i32(), this.b.constant("i32", 7)), "stack");
    const lookUp = { helper: "bpf_map_lookup_elem", id: 1, movesPacket: false };
    const entry = this.b.callHelper("pointer", lookUp, [this.b.mapReference(randomArray), address], { reads: [key] });
    const missing = this.b.compare("eq", entry, this.b.constant("pointer", 0));
    this.diamond(missing, () => {}, () => this.access(entry));
  }

  private access(entry: Instruction): void {
    const offset = this.random.pick([0, 8]);
    switch (this.random.below(6)) {
      case 0: this.b.atomic("add", 64, entry, offset, this.i64()); break;
      case 1: this.i64s.push(this.b.atomic(this.random.pick(["fetchAdd", "fetchOr", "fetchAnd", "fetchXor", "exchange"] as const), 64, entry, offset, this.i64())); break;
      case 2: this.i32s.push(this.b.atomic("compareExchange", 32, entry, offset, this.i32(), this.i32())); break;
      case 3: this.b.store(64, entry, offset, this.i64(), "map"); break;
      default: this.i64s.push(this.b.load(64, entry, offset, "map"));
    }
  }

  private slot(): void {
    const slot = newSlot(this.fn, 16, "local");
    const address = this.b.stackAddress(slot);
    this.b.store(64, address, 0, this.i64(), "stack");
    this.b.store(32, address, 8, this.i32(), "stack");
    this.b.store(32, this.b.pointerAdd(address, 12), 0, this.i32(), "stack");
    this.i64s.push(this.b.load(64, address, this.random.pick([0, 8]), "stack"));
    this.i32s.push(this.b.load(16, address, 8, "stack"));
  }

  private call(): void {
    if (this.callees.length === 0) {
      this.b.callHelper("i64", { helper: "bpf_jiffies64", id: 118, movesPacket: false }, []);
      return;
    }
    const callee = this.random.pick(this.callees);
    const result = this.b.callFunction(callee, callee.parameters.map(({ type }) => (type === "i32" ? this.i32() : this.i64())));
    (result.type === "i32" ? this.i32s : this.i64s).push(result);
  }

  private boolStatement(): void {
    const [left, right] = [this.bool(), this.bool()];
    const phi: Instruction[] = [];
    this.diamond(left, () => phi.push(right), () => phi.push(this.b.constant("bool", 0)), () => this.bools.push(this.b.phi("bool", phi)));
  }

  private conditional(depth: number): void {
    const sides: Instruction[][] = [];
    const side = () => {
      this.statements(1 + this.random.below(5), depth + 1);
      sides.push([this.i32(), this.i64(), this.bool()]);
    };
    this.diamond(this.bool(), side, this.random.below(2) === 0 ? side : () => sides.push([this.i32(), this.i64(), this.bool()]), () => {
      const [yes, no] = sides;
      this.i32s.push(this.b.phi("i32", [yes![0]!, no![0]!]));
      this.i64s.push(this.b.phi("i64", [yes![1]!, no![1]!]));
      this.bools.push(this.b.phi("bool", [yes![2]!, no![2]!]));
    });
  }

  /** What a side makes is forgotten after it, as it does not reach what follows. */
  private diamond(condition: Instruction, yes: () => void, no: () => void, join: () => void = () => {}): void {
    const [ifTrue, ifFalse, after] = [newBlock(this.fn), newBlock(this.fn), newBlock(this.fn)];
    this.b.branch(condition, ifTrue, ifFalse, this.random.pick([true, false, undefined, undefined]));
    for (const [block, side] of [[ifTrue, yes], [ifFalse, no]] as const) {
      this.b.block = block;
      this.scoped(side);
      this.b.jump(after);
    }
    this.b.block = after;
    join();
  }

  private scoped(work: () => void): void {
    const [i32s, i64s, bools] = [this.i32s, this.i64s, this.bools];
    [this.i32s, this.i64s, this.bools] = [[...i32s], [...i64s], [...bools]];
    work();
    [this.i32s, this.i64s, this.bools] = [i32s, i64s, bools];
  }

  private loop(depth: number): void {
    const rounds = this.b.constant("i32", 1 + this.random.below(4));
    const [zero, one, start, other] = [this.b.constant("i32", 0), this.b.constant("i32", 1), this.i32(), this.i64()];
    const [head, body, after] = [newBlock(this.fn), newBlock(this.fn), newBlock(this.fn)];
    this.b.jump(head);
    this.b.block = head;
    const counter = this.b.phi("i32", [zero]);
    const carried = this.b.phi("i32", [start]);
    const swapped = this.b.phi("i64", [other]);
    const more = this.b.compare("ult", counter, rounds);
    this.b.branch(more, body, after);
    this.i32s.push(carried, counter);
    this.i64s.push(swapped);
    this.b.block = body;
    let latch: Block | undefined;
    this.scoped(() => {
      this.statements(1 + this.random.below(5), depth + 1);
      carried.args.push(this.i32());
      swapped.args.push(this.i64());
      counter.args.push(this.b.binary("add", counter, one));
      latch = this.b.block;
    });
    this.b.block = latch!;
    this.b.jump(head);
    this.b.block = after;
  }

  private digest(): Instruction {
    let sum = this.b.constant("i32", 17);
    const mix = (value: Instruction) => {
      sum = this.b.binary("add", this.b.binary("mul", sum, this.b.constant("i32", 31)), value);
    };
    // All of them would not fit on the stack until the end.
    const some = (values: readonly Instruction[]) => values.slice(-DIGESTED);
    some(this.i32s).forEach(mix);
    for (const value of some(this.i64s)) mix(this.b.convert("truncate", this.b.binary("xor", value, this.b.binary("lshr", value, this.b.constant("i64", 32)))));
    for (const value of some(this.bools)) mix(this.b.convert("boolToInt", value));
    return sum;
  }
}
