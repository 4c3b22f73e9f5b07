// docs/configuration.md names every key that the schema has.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as schema from "#model/config-schema.js";

// Compiled, this file is dist/out/test/config/document.test.js.
const text = readFileSync(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");

for (const [name, fields] of Object.entries(schema).filter(([name]) => name.endsWith("Fields"))) {
  test(`the document names every key of ${name.replace("Fields", "").toLowerCase()}`, () => {
    const keys = Object.keys((fields as typeof schema.TopFields).shape);
    assert.deepEqual(keys.filter((key) => !text.includes(`\`${key}\``)), []);
  });
}

for (const [type, fields] of Object.entries(schema.CHECK_FIELDS)) {
  test(`the document names every key of a check by ${type}`, () => {
    assert.deepEqual(Object.keys(fields.shape).filter((key) => !text.includes(`\`${key}\``)), []);
  });
}
