// docs/weir.schema.json is what the schemas say, and agrees with what is read: it accepts every configuration that has a meaning, and
// refuses what is wrong by itself. WEIR_GOLDEN=write writes the file.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { configJsonSchema } from "#model/config/json-schema.js";

// Compiled, this file is dist/out/test/config/json-schema.test.js.
const root = new URL("../../../../", import.meta.url);
const file = new URL("docs/weir.schema.json", root);
const validator = z.fromJSONSchema(configJsonSchema() as never);

test("docs/weir.schema.json is what the schemas say", () => {
  const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
  if (process.env.WEIR_GOLDEN === "write") writeFileSync(file, text);
  assert.equal(readFileSync(file, "utf8"), text);
});

const folder = new URL("test/config/cases/", root);
const cases = readdirSync(folder).sort().map((name) => {
  const [text = "", kind] = readFileSync(new URL(name, folder), "utf8").split(/^=== (meaning|messages)\n/m);
  return { name, text, kind };
});
const examples = readdirSync(new URL("docs/examples/", root)).sort().map((name) => ({ name, text: readFileSync(new URL(`docs/examples/${name}`, root), "utf8"), kind: "meaning" }));

for (const { name, text } of [...cases, ...examples].filter(({ kind }) => kind === "meaning")) {
  test(`the schema accepts ${name}`, () => {
    assert.deepEqual(validator.safeParse(parse(text, { merge: true })).error?.issues ?? [], []);
  });
}

const WRONG: readonly (readonly [string, string])[] = [
  ["an unknown key", "services: []\nserves: []"],
  ["an unknown key of a service", "services: [{address: 10.0.0.1, wieght: 1}]"],
  ["a port that is none", "services: [{address: 10.0.0.1, port: 70000}]"],
  ["an unknown scheduler", "services: [{address: 10.0.0.1, scheduler: wr}]"],
  ["a destination that is a text", "services: [{address: 10.0.0.1, destinations: [10.0.0.2]}]"],
  ["a check of no type", "services: [{address: 10.0.0.1, checks: [{port: 3}]}]"],
  ["a check with another's key", "services: [{address: 10.0.0.1, checks: [{type: tcp, path: /}]}]"],
  ["a script without a command", "services: [{address: 10.0.0.1, checks: [{type: script}]}]"],
  ["an unknown sysctl", "services: []\nsysctl: {drop_entri: 1}"],
];
for (const [what, text] of WRONG) {
  test(`the schema refuses ${what}`, () => assert.equal(validator.safeParse(parse(text)).success, false));
}

test("a variable of the environment may stand for a number", () => {
  assert.equal(validator.safeParse(parse("services: [{address: '${VIP}', port: '${PORT}', checks: [{type: http, every: '${EVERY:-3}'}]}]")).success, true);
});
