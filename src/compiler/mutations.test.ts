// Mistyped programs: tokens of right ones are dropped, doubled and swapped. Each still compiles, or is refused with
// diagnostics; nothing else may come out. SEED repeats a run, MUTATIONS makes it longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileForTest, randomOf } from "./both-ways.js";
import { bodies, live, sourceOf } from "./language-cases.js";
import { CompileError } from "./diagnostics.js";

const count = Number(process.env["MUTATIONS"] ?? 300);
const seed = Number(process.env["SEED"] ?? 7);

test(`${count} mistyped programs are refused with diagnostics or compile`, () => {
  const random = randomOf(seed);
  const all = Object.values(bodies);
  for (let i = 0; i < count; i++) {
    const source = sourceOf(mutated(all[random(all.length)]!, random));
    try {
      compileForTest(source, live);
    } catch (error) {
      if (!(error instanceof CompileError)) throw new Error(`seed ${seed}, mutation ${i}:\n${source}`, { cause: error });
      for (const { remedy, message } of error.diagnostics) assert.ok(remedy !== "" && message !== "", source);
    }
  }
});

function mutated(body: string, random: (below: number) => number): string {
  const tokens = body.match(/[A-Za-z_]\w*|\d\w*|\s+|[^\w\s]+/g) ?? [];
  for (let changes = 1 + random(2); changes > 0; changes--) {
    const [at, other] = [random(tokens.length), random(tokens.length)];
    const kind = random(4);
    if (kind === 0) tokens.splice(at, 1);
    else if (kind === 1) tokens.splice(at, 0, tokens[other]!);
    else if (kind === 2) [tokens[at], tokens[other]] = [tokens[other]!, tokens[at]!];
    else tokens[at] = ["null", "x", "0", "1n", "packet", "counters", "x.pair", "true", "Data"][random(9)]!;
  }
  return tokens.join("");
}
