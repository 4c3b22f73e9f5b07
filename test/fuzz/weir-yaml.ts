// Files that are nearly weir.yaml, some with others that they include: each is taken, applied, and then there is nothing to change; or its mistakes are said with their lines, and nothing was changed.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { applyConfiguration } from "#control/apply.js";
import type { DirectorRecord } from "#control/apply.js";
import { chooseHook } from "#control/hook.js";
import { MemoryPlane } from "#control/memory-plane.js";
import { planConfiguration } from "#control/plan.js";
import { memoryRecord } from "#control/record.js";
import { MemoryHost } from "#control/settings/memory-host.js";
import type { Configuration } from "#model/config.js";
import { parseConfig } from "#model/config.js";
import { ConfigError } from "#model/config/error.js";
import { DirectorError } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import { Random } from "../packets/random.js";
import { Outcomes, assertClear } from "./judge.js";
import { mutate } from "./mutate.js";
import { stateOf } from "./state.js";

// Compiled, this file is dist/out/test/fuzz/weir-yaml.js.
const project = new URL("../../../../", import.meta.url);
const INTERFACES = [{ name: "eth0", mode: "auto" }] as const;

export async function fuzzWeirYaml(seed: number, count: number): Promise<void> {
  const random = new Random(seed);
  const cases = readdirSync(new URL("test/config/cases/", project)).map((name) => readFileSync(new URL(`test/config/cases/${name}`, project), "utf8"));
  const examples = readdirSync(new URL("docs/examples/", project)).map((name) => readFileSync(new URL(`docs/examples/${name}`, project), "utf8"));
  const right = [...examples, ...cases.filter((text) => text.includes("=== meaning\n")).map((text) => text.split("=== meaning\n")[0]!)];
  const texts = [...right, ...cases.map((text) => text.split(/^=== /m)[0]!)];
  const director = new MemoryDirector();
  const parts = { director, dataPlane: new MemoryPlane([], chooseHook), host: new MemoryHost(), record: memoryRecord<DirectorRecord>(), report: () => {} };
  const outcomes = new Outcomes();
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", onWarning);
  for (let i = 0; i < count; i++) {
    const files = someFiles(right, texts, random);
    const text = [...files].map(([name, content]) => `${name}:\n${content}`).join("\n");
    const configuration = read(files, outcomes);
    if (configuration === undefined) {
      outcomes.add("refused");
      continue;
    }
    const before = stateOf(director);
    try {
      await applyConfiguration(configuration, INTERFACES, parts);
    } catch (error) {
      assert.ok(error instanceof DirectorError, `${(error as Error).stack}\n${text}`);
      assertClear(error.message, text);
      assert.equal(stateOf(director), before, text);
      outcomes.add("not applied");
      continue;
    }
    outcomes.add("applied");
    assert.deepEqual((await planConfiguration(configuration, INTERFACES, parts, parts.host)).changes.filter((line) => !/: kept/.test(line)), [], text);
  }
  // They are told with the next tick.
  await setImmediate();
  process.off("warning", onWarning);
  assert.deepEqual(warnings, []);
  outcomes.assertCommon(["refused", "applied", "included", "right with others"], count / 50);
}

const MAIN = "weir.yaml";
const INCLUDED = ["more.yaml", "other.yaml", "last.yaml"];
const PATTERNS = [...INCLUDED, "*.yaml", "o*.yaml", "nobody.yaml", MAIN, "[more.yaml, last.yaml]", "[*.yaml, {}]", "7", ""];
/** Of one that is included nothing but what may be joined comes over as it is. */
const INCLUDABLE = ["services: [{ fwmark: 3, scheduler: rr }]\n", "services: []\n", "interfaces: [eth0]\nmarks: []\n", "timeouts: { tcp: 9 }\n", "{}\n", ""];

/** By name, the one that is read first; half of them include others, and each of those may. */
function someFiles(right: readonly string[], texts: readonly string[], random: Random): ReadonlyMap<string, string> {
  const one = (): string => random.percent(3) ? random.pick(right) : mutate(random.pick(right), texts, random);
  if (random.percent(50)) return new Map([[MAIN, one()]]);
  const including = (text: string, percent: number): string => random.percent(percent) ? `include: ${random.pick(PATTERNS)}\n${text}` : text;
  const included = (): string => random.percent(70) ? random.pick(INCLUDABLE) : mutate(random.pick(INCLUDABLE), texts, random);
  return new Map([[MAIN, including(random.percent(50) ? random.pick(right) : one(), 90)], ...INCLUDED.map((name) => [name, including(included(), 15)] as const)]);
}

function read(files: ReadonlyMap<string, string>, outcomes: Outcomes): Configuration | undefined {
  const text = [...files].map(([name, content]) => `${name}:\n${content}`).join("\n");
  let count = 0;
  try {
    const configuration = parseConfig(files.get(MAIN)!, {
      file: MAIN, interfaces: ["eth0", "eth1"], environment: { NAME: "value" },
      readIncluded: (pattern) => {
        const found = [...files].filter(([name]) => name === pattern || (pattern.startsWith("*") && name.endsWith(pattern.slice(1))) || (pattern === "o*.yaml" && name === "other.yaml"));
        if (found.length === 0) throw new Error("there is no such file");
        count += found.length;
        return found.map(([file, content]) => ({ file, text: content }));
      },
    });
    if (count > 0) outcomes.add("right with others");
    return configuration;
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${(error as Error).stack}\n${text}`);
    assertClear(error.message, text);
    for (const { file, line, column, message } of error.issues) {
      const lines = files.get(file)?.split("\n").length ?? 0;
      assert.ok(line >= 1 && line <= lines && column >= 1 && message.length > 3, `${error.message}\n${text}`);
    }
    return undefined;
  } finally {
    if (count > 0) outcomes.add("included");
  }
}
