// Random programs, run as JavaScript and as eBPF. Every result is cut to its width (u32(…), u64(…)), since JavaScript's
// numbers have more bits; SEED repeats a run, PROGRAMS makes it longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { struct } from "#layout/struct.js";
import { u16, u32, u64, u8 } from "#layout/numbers.js";
import { compileForTest, randomBytes, randomOf, runAsJavaScript, runCompiled } from "./both-ways.js";

const Data = struct("Data", { a: u32, b: u32, c: u64, d: u64, e: u8, f: u8, g: u16, h: u32, p: u64, q: u64, r: u32, s: u32 });
const live = { Data };
const fields32 = ["x.a", "x.b", "x.e", "x.f", "x.g", "x.h"];
const fields64 = ["x.c", "x.d"];

type Random = (below: number) => number;

class Generator {
  readonly #names: { readonly name: string; readonly big: boolean }[] = [];
  #last = 0;

  constructor(readonly random: Random) {}

  program(): string {
    const body = this.block(4);
    const results = `x.p = ${this.big(1)}; x.r = ${this.small(1)}; x.q = ${this.big(1)}; x.s = ${this.small(1)};`;
    return `${this.helpers()}
function entry(packet: Packet): i32 { const x = packet.view(Data, 0); if (x === null) return -1; ${body} ${results} return 0; }`;
  }

  helpers(): string {
    return `
function pick(n: u32, m: u32): u32 { if (n < m) return u32(n + 1); if (n === m) return 7; return m; }
function odd(n: u32): boolean { return (n & 1) === 1 || n > 1000; }
function spin(n: u64, rounds: u32): u64 { let m: u64 = n; for (let i = 0; i < 12; i++) { if (i > rounds) return m; m = u64(m * 3n + 1n); } return m; }`;
  }

  block(statements: number): string {
    return Array.from({ length: 1 + this.random(statements) }, () => this.statement(statements - 1)).join(" ");
  }

  statement(depth: number): string {
    switch (this.random(depth > 0 ? 9 : 4)) {
      case 0: case 1: return this.declaration();
      case 2: case 3: return this.assignment();
      case 4: return `if (${this.condition(2)}) { ${this.nested(depth)} }`;
      case 5: return `if (${this.condition(2)}) { ${this.nested(depth)} } else { ${this.nested(depth)} }`;
      case 6: return this.loop(depth, 3 + this.random(4));
      case 7: return this.loop(depth, 10 + this.random(9));
      default: return `switch (${this.small(1)} & 7) { ${[...new Set([this.random(8), this.random(8), this.random(8)])].map((n) => `case ${n}: { ${this.nested(depth)} break; }`).join(" ")} default: ${this.assignment()} }`;
    }
  }

  declaration(): string {
    const big = this.random(2) === 0;
    const value = big ? this.big(2) : this.small(2);
    const name = `v${this.#last++}`;
    this.#names.push({ name, big });
    return `let ${name}: ${big ? "u64" : "u32"} = ${value};`;
  }

  assignment(): string {
    const targets = [...this.#names, { name: "x.a", big: false }, { name: "x.d", big: true }];
    const { name, big } = targets[this.random(targets.length)]!;
    return `${name} = ${big ? this.big(2) : this.small(2)};`;
  }

  loop(depth: number, rounds: number): string {
    const name = `i${this.#last++}`;
    const leave = this.random(3) === 0 ? `if (${this.condition(1)}) ${this.random(2) === 0 ? "break" : "continue"};` : "";
    return `for (let ${name} = 0; ${name} < ${rounds}; ${name}++) { ${leave} ${this.nested(depth, name)} }`;
  }

  /** Names declared in it are gone after it. */
  nested(depth: number, counter?: string): string {
    const outer = this.#names.length;
    const text = this.block(Math.max(1, depth)) + (counter === undefined ? "" : ` x.h = u32(x.h + ${counter});`);
    this.#names.length = outer;
    return text;
  }

  small(depth: number): string {
    if (depth === 0) return this.leaf(false);
    const [a, b] = [() => this.small(depth - 1), () => this.small(depth - 1)];
    switch (this.random(13)) {
      case 0: return `u32(${a()} + ${b()})`;
      case 1: return `u32(${a()} - ${b()})`;
      case 2: return `u32(${a()} * (${b()} & 0xffff))`;
      case 3: return `u32(${a()} / u32(${b()} | 1))`;
      case 4: return `u32(${a()} % u32(${b()} | 1))`;
      case 5: return `u32(${a()} & ${b()})`;
      case 6: return `u32(${a()} ^ ${b()})`;
      case 7: return `(${a()} >>> (${b()} & 31))`;
      case 8: return `u32(${a()} << (${b()} & 31))`;
      case 9: return `u32(${this.big(depth - 1)})`;
      case 10: return `(${this.condition(depth - 1)} ? ${a()} : ${b()})`;
      case 11: return `pick(${a()}, ${b()})`;
      default: return this.leaf(false);
    }
  }

  big(depth: number): string {
    if (depth === 0) return this.leaf(true);
    const [a, b] = [() => this.big(depth - 1), () => this.big(depth - 1)];
    switch (this.random(11)) {
      case 0: return `u64(${a()} + ${b()})`;
      case 1: return `u64(${a()} - ${b()})`;
      case 2: return `u64(${a()} * ${b()})`;
      case 3: return `(${a()} / u64(${b()} | 1n))`;
      case 4: return `(${a()} | ${b()})`;
      case 5: return `(${a()} ^ ${b()})`;
      case 6: return `(${a()} >> (${b()} & 63n))`;
      case 7: return `u64(${a()} << (${b()} & 63n))`;
      case 8: return `u64(${this.small(depth - 1)})`;
      case 9: return `spin(${a()}, ${this.small(0)})`;
      default: return this.leaf(true);
    }
  }

  condition(depth: number): string {
    const operator = ["<", "<=", ">", ">=", "===", "!=="][this.random(6)]!;
    switch (this.random(depth > 0 ? 7 : 3)) {
      case 0: case 1: return `${this.small(depth)} ${operator} ${this.small(depth)}`;
      case 2: return `${this.big(depth)} ${operator} ${this.big(depth)}`;
      case 3: return `(${this.condition(depth - 1)} && ${this.condition(depth - 1)})`;
      case 4: return `(${this.condition(depth - 1)} || ${this.condition(depth - 1)})`;
      case 5: return `!(${this.condition(depth - 1)})`;
      default: return `odd(${this.small(depth - 1)})`;
    }
  }

  leaf(big: boolean): string {
    const names = this.#names.filter((candidate) => candidate.big === big).map(({ name }) => name);
    const literals = big ? ["0n", "1n", "255n", "0xffffffffn", "0x8000000000000000n", "77n"] : ["0", "1", "255", "65535", "0x80000000", "12"];
    const all = [...names, ...names, ...(big ? fields64 : fields32), literals[this.random(literals.length)]!];
    return all[this.random(all.length)]!;
  }
}

const programs = Number(process.env["PROGRAMS"] ?? 60);
const firstSeed = Number(process.env["SEED"] ?? 1);

test(`${programs} random programs do the same as JavaScript and as eBPF`, () => {
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
    // Small seeds make similar first numbers; a few rounds apart, they do not.
    const random = randomOf(Math.imul(seed, 0x9e3779b1));
    const source = new Generator(random).program();
    const message = `SEED=${seed} PROGRAMS=1 repeats it\n${source}`;
    let spec;
    try {
      spec = compileForTest(source, live);
    } catch (error) {
      throw new Error(message, { cause: error });
    }
    for (let i = 0; i < 8; i++) {
      const packet = randomBytes(random, Data.size);
      const expected = runAsJavaScript(source, live, packet);
      const actual = runCompiled(spec, live, packet);
      assert.equal(actual.verdict, expected.verdict, message);
      assert.deepEqual(actual.packet, expected.packet, message);
    }
  }
});
