// Files that are nearly weir.yaml: each is taken, applied, and then there is nothing to change; or its mistakes are said with their lines, and nothing was changed.

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
import { ConfigError } from "#model/config-error.js";
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
    const text = random.percent(3) ? random.pick(right) : mutate(random.pick(right), texts, random);
    const configuration = read(text);
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
  outcomes.assertCommon(["refused", "applied"], count / 50);
}

function read(text: string): Configuration | undefined {
  try {
    return parseConfig(text, { file: "weir.yaml", interfaces: ["eth0", "eth1"], environment: { NAME: "value" } });
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${(error as Error).stack}\n${text}`);
    assertClear(error.message, text);
    const lines = text.split("\n").length;
    for (const { file, line, column, message } of error.issues) {
      assert.ok(file === "weir.yaml" && line >= 1 && line <= lines && column >= 1 && message.length > 3, `${error.message}\n${text}`);
    }
    return undefined;
  }
}
