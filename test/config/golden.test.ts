// Configurations as golden pairs: cases/NAME.txt holds a text, a line "=== meaning" or "=== messages", and what it means
// or what is said about it. WEIR_GOLDEN=write rewrites the second halves; read the difference before keeping it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parseConfig } from "#model/config.js";
import type { Configuration } from "#model/config.js";
import { ConfigError, formatIssue } from "#model/config/error.js";

// Compiled, this file is dist/out/test/config/golden.test.js; the cases stay in test/config/cases.
const folder = new URL("../../../../test/config/cases/", import.meta.url);
const machine = { file: "weir.yaml", interfaces: ["eth0", "eth1"] };

for (const name of readdirSync(folder).sort()) {
  test(`the configuration ${name.replace(".txt", "")} has its meaning or its messages`, () => {
    const file = new URL(name, folder);
    const [text = "", kind, golden] = readFileSync(file, "utf8").split(/^=== (meaning|messages)\n/m);
    const found = outcome(text);
    if (process.env.WEIR_GOLDEN === "write") writeFileSync(file, `${text}=== ${found.kind}\n${found.text}`);
    else assert.deepEqual(found, { kind, text: golden });
  });
}

function outcome(text: string): { kind: string; text: string } {
  try {
    return { kind: "meaning", text: describe(parseConfig(text, machine)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { kind: "messages", text: error.issues.map((issue) => `${formatIssue(issue)}\n`).join("") };
  }
}

const NO_HEALTH = { destination: { checks: [], onFailure: "remove", startsDown: false, notify: {} }, service: { quorum: { weight: 1, hysteresis: 0, notify: {} }, sorryServerQuiesced: false } };

/** A line a service and a line a destination, with every field of the model; one each for its health where the file says something. */
function describe({ services, ...rest }: Configuration): string {
  const lines = services.flatMap(({ destinations, health, ...service }) => [
    `service ${JSON.stringify(service)}`,
    ...describeHealth("  health", health, NO_HEALTH.service),
    ...destinations.flatMap(({ health: own, ...destination }) => [`  destination ${JSON.stringify(destination)}`, ...describeHealth("    health", own, NO_HEALTH.destination)]),
  ]);
  return [...lines, ...Object.entries(rest).map(([key, value]) => `${key} ${JSON.stringify(value)}`), ""].join("\n");
}

function describeHealth(label: string, health: object, none: object): readonly string[] {
  const text = JSON.stringify(health);
  return text === JSON.stringify(none) ? [] : [`${label} ${text}`];
}
