// `npm run conformance -- --seed N --scripts 200`: the same random scripts to the real IPVS and to weir, until they differ.

import { parseArgs } from "node:util";
import type { Hook } from "../packets/world.js";
import { HOOKS } from "../packets/world.js";
import { describeDifference, firstDifference } from "./compare.js";
import type { Feature } from "./feature.js";
import { generate } from "./generate.js";
import { KINDS, featuresByName, kindByName } from "./kind.js";
import { knownAs } from "./known.js";
import type { Script } from "./script.js";
import { describeStep } from "./script.js";
import { findGuest, playThere } from "./oracle.js";
import { decodeTranscript } from "./transcript.js";
import { Weir } from "./weir.js";

const USAGE = `npm run conformance -- [--seed N] [--scripts N] [--kind ${KINDS.map(({ name }) => name).join("|")}] [--hook ${HOOKS.join("|")}] [--feature NAME]... [--go-on] [--print]

Plays random scripts of ipvsadm commands and packets to weir and to the real IPVS, and ends at the first difference.
  --seed     of the first script; the next one has the next number
  --scripts  how many, 200 when nothing is said
  --hook     of weir, tc and xdp when nothing is said
  --kind     of scripts, ${KINDS[0]!.name} when nothing is said
  --feature  only this one and others so named
  --go-on    to the end, however many scripts differ
  --print    the scripts, and nothing else
The real IPVS is this machine's kernel's, or the one that the program WEIR_ORACLE runs a shell script beside.`;

await main();

async function main(): Promise<void> {
  const { seed, scripts, hooks, kind, names, goOn, print } = options();
  const features = featuresByName(kind, names);
  console.log(`seed ${seed}, ${scripts} scripts of kind ${kind.name}, ${features.map(({ name }) => name).join(" ")}`);
  if (print) return printScripts();
  const directors = await Promise.all(hooks.map(Weir.at));
  const notAtXdp = features.filter((feature) => feature.notAtXdp !== undefined);
  let played = 0;
  let different = 0;
  const scriptsWith = new Map<string, number>();
  for await (const line of playThere(findGuest(), [`${seed}`, `${scripts}`, kind.name, ...names])) {
    const script = generate(seed + played++, kind, features);
    const ipvs = decodeTranscript(line);
    for (const name of script.features) scriptsWith.set(name, (scriptsWith.get(name) ?? 0) + 1);
    for (const weir of directors.filter(({ hook }) => hook === "tc" || !hasAny(script, notAtXdp))) {
      const difference = firstDifference(script, ipvs, await weir.play(script, ipvs));
      if (difference === undefined) continue;
      const name = knownAs(script, ipvs, difference);
      if (name !== undefined) {
        console.log(`${weir.hook.toUpperCase()}: script ${script.seed} up to step ${difference.at + 1} of ${script.steps.length}: ${name}`);
        continue;
      }
      different++;
      console.log(`${weir.hook.toUpperCase()}: ${describeDifference(script, ipvs, difference)}\n`);
    }
    if (different > 0 && !goOn) break;
  }
  console.log(`${played} scripts, ${different} differences`);
  console.log(`scripts with a feature: ${features.map(({ name }) => `${name} ${scriptsWith.get(name) ?? 0}`).join(", ")}`);
  process.exit(different === 0 && played === scripts ? 0 : 1);

  function printScripts(): void {
    for (let i = 0; i < scripts; i++) console.log(`\nscript ${seed + i}\n${generate(seed + i, kind, features).steps.map((step) => `  ${describeStep(step)}`).join("\n")}`);
  }
}

function hasAny(script: Script, some: readonly Feature[]): boolean {
  return some.some(({ name }) => script.features.includes(name));
}

function options() {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` }, scripts: { type: "string", default: "200" },
      hook: { type: "string", multiple: true, default: [...HOOKS] }, kind: { type: "string", default: KINDS[0]!.name },
      feature: { type: "string", multiple: true, default: [] },
      "go-on": { type: "boolean", default: false }, print: { type: "boolean", default: false }, help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  return {
    seed: Number(values.seed), scripts: Number(values.scripts), hooks: values.hook as readonly Hook[], kind: kindByName(values.kind), names: values.feature, goOn: values["go-on"], print: values.print,
  };
}
