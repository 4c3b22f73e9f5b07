// The documents say what the code says.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { diagnosticCodes } from "#compiler/diagnostic-codes.js";
import { Verdict } from "#dataplane/verdict.js";
import { KERNEL_ERROR_CODES } from "#kernel/errors.js";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const firstCells = (text: string): string[] => [...text.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, cell]) => cell!);

test("docs/verdicts.md has a row for every verdict of the data plane, in their order", () => {
  assert.deepEqual(firstCells(read("docs/verdicts.md")), Object.keys(Verdict));
});

test("docs/errors.md has a row for every code of the kernel layer and of the compiler", () => {
  const rows = firstCells(read("docs/errors.md"));
  assert.deepEqual(rows.filter((code) => /^[A-Z]/.test(code)).sort(), Object.keys(KERNEL_ERROR_CODES).sort());
  assert.deepEqual(rows.filter((code) => /^[a-z]/.test(code)).sort(), Object.keys(diagnosticCodes).sort());
});

test("every path that a document names exists", () => {
  const documents = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
  const missing = documents.flatMap((document) => pathsIn(read(document)).filter((path) => !existsSync(join(root, path))).map((path) => `${document}: ${path}`));
  assert.deepEqual(missing, []);
});

/** Words like docs/errors.md and src/dataplane/entry.ts; not the shell of a script. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/(?<!#!\/)\b(?:src|docs|test|bench|tools|bin)\/[\w./-]*\w/g)].map(([path]) => path);
}
