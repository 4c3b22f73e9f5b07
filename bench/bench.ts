// `npm run bench -- --json FILE`: what a packet costs, in nanoseconds, by weir's program and by the same director in C.
// docs/performance.md says how it is measured.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Bed } from "./bed.js";
import { CASES } from "./cases.js";
import type { Round } from "./measure.js";
import { visit } from "./measure.js";
import { environment } from "./environment.js";
import { resultsOf, table } from "./results.js";

const USAGE = "node dist/out/bench/bench.js [--json FILE] [--seconds N] [--quick]";
const SECONDS_DEFAULT = 60;
const VISITS_MIN = 1;

await main();

async function main(): Promise<void> {
  const { json, seconds, quick } = options();
  const processor = pin();
  const bed = await Bed.open();
  try {
    if (!bed.subjects.includes("c")) console.error("clang is not installed: the C program is left out (apt-get install clang)");
    const rounds = measureAll(bed, quick ? 0 : seconds);
    const results = { ...environment(processor), ...resultsOf(rounds) };
    console.log(table(results));
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    bed.close();
  }
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

/** All cases again and again until the time is up, so that whatever else the machine does meets each of them. */
function measureAll(bed: Bed, seconds: number): ReadonlyMap<string, readonly Round[]> {
  const rounds = new Map<string, Round[]>(CASES.map(({ name }) => [name, []]));
  const end = Date.now() + seconds * 1000;
  for (let number = 0; number < VISITS_MIN || Date.now() < end; number++) {
    for (const one of CASES) if (number % one.everyVisits === 0) rounds.get(one.name)!.push(...visit(bed, one));
  }
  return rounds;
}

/** To the last processor, as the first one takes most interrupts. Undefined where util-linux' taskset is missing. */
function pin(): number | undefined {
  const { stdout } = spawnSync("nproc", { encoding: "utf8" });
  const processor = Number(stdout) - 1;
  return spawnSync("taskset", ["--cpu-list", "--pid", String(processor), String(process.pid)]).status === 0 ? processor : undefined;
}
