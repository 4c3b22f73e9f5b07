// docs/sysctls.md says what the table of model/sysctls.ts says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { SysctlName } from "#model/sysctls.js";
import { OTHER_SYSCTLS, SYSCTLS, SYSCTL_NAMES } from "#model/sysctls.js";

// Compiled, this file is dist/out/test/docs/sysctls.test.js.
const lines = readFileSync(new URL("../../../../docs/sysctls.md", import.meta.url), "utf8").split("\n").filter((line) => line.startsWith("| `"));

test("docs/sysctls.md has a row for every sysctl, with its default, its values and its meaning", () => {
  assert.deepEqual(lines.slice(0, SYSCTL_NAMES.length), SYSCTL_NAMES.map(row));
});

test("docs/sysctls.md names what weir does not have, and why", () => {
  assert.deepEqual(lines.slice(SYSCTL_NAMES.length), Object.entries(OTHER_SYSCTLS).map(([name, reason]) => `| \`${name}\` | ${reason} |`));
});

function row(name: SysctlName): string {
  const { default: start, expected, meaning, unused } = SYSCTLS[name];
  const text = start === undefined ? "by memory" : typeof start === "number" ? `${start}` : start.join(" ");
  return `| \`${name}\` | ${text} | ${expected} | ${meaning}${unused === undefined ? "" : `; **kept only**: ${unused}`} |`;
}
