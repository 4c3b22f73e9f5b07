import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readIncluded } from "./include.js";

test("a name is seen from the file that includes it; * stands for any part of a file's name, in order", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-include-"));
  context.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "conf.d"));
  for (const name of ["b.yaml", "a.yaml", ".hidden.yaml", "a.yaml.old", "ayaml"]) writeFileSync(join(folder, "conf.d", name), name);
  const main = join(folder, "weir.yaml");

  const named = (pattern: string) => readIncluded(pattern, main).map(({ file, text }) => [file.slice(folder.length), text]);
  assert.deepEqual(named("conf.d/*.yaml"), [["/conf.d/a.yaml", "a.yaml"], ["/conf.d/b.yaml", "b.yaml"]]);
  assert.deepEqual(named(join(folder, "conf.d/b.yaml")), [["/conf.d/b.yaml", "b.yaml"]]);
  assert.deepEqual(named("conf.d/*.none"), []);
  assert.throws(() => named("none.yaml"), { message: `cannot include ${join(folder, "none.yaml")}: there is no such file` });
  assert.throws(() => named("none.d/*"), /there is no such file/);
  assert.throws(() => named("conf.d"), /it is a folder; name its files, with \* for all/);
});
