import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readLines, splitCommand } from "./restore.js";

test("words stand between blanks, and ipvsadm is passed over", () => {
  assert.deepEqual(splitCommand("  ipvsadm -A\t-t  1.1.1.1:80 \r"), ["-A", "-t", "1.1.1.1:80"]);
  assert.deepEqual(splitCommand("ipvsadm"), []);
  assert.deepEqual(splitCommand('-A "a b" # c'), ["-A", '"a', 'b"', "#", "c"]);
});

test("lines come whole from an input longer than one read, the last without its newline", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-restore-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const wanted = Array.from({ length: 20_000 }, (_, i) => `-A -f ${i + 1} é`);
  writeFileSync(join(folder, "rules"), wanted.join("\n"));
  const fd = openSync(join(folder, "rules"), "r");
  assert.deepEqual([...readLines(fd)], wanted);
  closeSync(fd);
});

test("a closed input has no lines", () => {
  const fd = openSync("/dev/null", "r");
  closeSync(fd);
  assert.deepEqual([...readLines(fd)], []);
});
