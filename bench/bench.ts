// `npm run bench -- --json FILE`: what a packet costs, in nanoseconds, by weir's program and by the same director in C.
// docs/performance.md says how it is measured.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Parts } from "./bed.js";
import { Bed, compileParts } from "./bed.js";
import { CASES } from "./cases.js";
import type { Round } from "./measure.js";
import { age, visit } from "./measure.js";
import { environment } from "./environment.js";
import { resultsOf, table } from "./results.js";

const USAGE = "node dist/out/bench/bench.js [--json FILE] [--seconds N] [--quick]";
const SECONDS_DEFAULT = 60;
/** Maps are made anew so often: where the pages of one happen to lie is worth some nanoseconds to either program. */
const BEDS = 6;

await main();

async function main(): Promise<void> {
  const { json, seconds, quick } = options();
  const processor = pin();
  const parts = await compileParts();
  if (!parts.programs.has("c")) console.error("clang is not installed: the C program is left out (apt-get install clang)");
  const rounds = quick ? measureAll(parts, 1, 0) : measureAll(parts, BEDS, seconds);
  const results = { ...environment(processor), ...resultsOf(rounds) };
  console.log(table(results));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
}

function options() {
  const { values } = parseArgs({
    options: { json: { type: "string" }, seconds: { type: "string", default: String(SECONDS_DEFAULT) }, quick: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  return { json: values.json, seconds: Number(values.seconds), quick: values.quick };
}

/** All cases again and again, so that whatever else the machine does meets each of them. */
function measureAll(parts: Parts, beds: number, seconds: number): ReadonlyMap<string, readonly Round[]> {
  const rounds = new Map<string, Round[]>(CASES.map(({ name }) => [name, []]));
  for (let i = 0; i < beds; i++) {
    const bed = new Bed(parts);
    try {
      measureOn(bed, seconds / beds, rounds);
    } finally {
      bed.close();
    }
  }
  return rounds;
}

function measureOn(bed: Bed, seconds: number, rounds: ReadonlyMap<string, Round[]>): void {
  age(bed);
  const end = Date.now() + seconds * 1000;
  for (let number = 0; number === 0 || Date.now() < end; number++) {
    for (const one of CASES) if (number % one.everyVisits === 0) rounds.get(one.name)!.push(...visit(bed, one));
  }
}

/** To the last processor, as the first one takes most interrupts. Undefined where util-linux' taskset is missing. */
function pin(): number | undefined {
  const { stdout } = spawnSync("nproc", { encoding: "utf8" });
  const processor = Number(stdout) - 1;
  return spawnSync("taskset", ["--cpu-list", "--pid", String(processor), String(process.pid)]).status === 0 ? processor : undefined;
}
