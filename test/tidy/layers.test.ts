// ARCHITECTURE.md says which layer may import which; this holds it to that. The table there is the one that is read.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

test("every layer imports only what ARCHITECTURE.md allows it", () => {
  const allowed = allowedImports();
  const forbidden = imports().filter(({ from, to }) => from !== to && !allowed.get(from)?.includes(to));
  assert.deepEqual(forbidden.map(({ file, to }) => `${file} imports ${to}`), []);
});

test("every folder of src/ is a layer of ARCHITECTURE.md, and the other way round", () => {
  const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual([...allowedImports().keys()].sort(), folders.sort());
});

test("inside a layer, files are imported by relative paths, and another layer's private files not at all", () => {
  const wrong = imports(true).filter(({ from, to, file }) => (from === to && !file.includes(".test.")) || to.includes("/_"));
  assert.deepEqual(wrong.map(({ file, to }) => `${file} imports #${to}`), []);
});

test("no file of the project names a path of one machine", () => {
  const named = sources(["src", "test", "bench", "docs", "tools"]).filter((file) => MACHINE_PATH.test(readFileSync(join(root, file), "utf8")));
  assert.deepEqual(named, []);
});

/** Absolute paths under a home or a build folder. */
const MACHINE_PATH = new RegExp(["work/(?:main|shared)", "root/", "home/\\w+/"].map((path) => `["'\\s(]/${path}`).join("|"));

/** The rows "| layer | may import | … |" of ARCHITECTURE.md. */
function allowedImports(): Map<string, readonly string[]> {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)\/?` \|([^|]*)\|/gm)];
  assert.ok(rows.length > 5, "ARCHITECTURE.md has the table of layers");
  return new Map(rows.map(([, layer, list]) => [layer!, [...list!.matchAll(/`(\w+)\/?`/g)].map(([, name]) => name!)]));
}

/** Imports by "#layer/…"; `whole`: with the path behind the layer for private files. */
function imports(whole = false): Import[] {
  return sources(["src"]).flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return [...text.matchAll(/from "#([^"]+)"|import\("#([^"]+)"\)/g)].map((match) => {
      const path = (match[1] ?? match[2])!;
      const layer = path.split("/")[0]!;
      return { file, from: file.split("/")[1]!, to: whole && path.includes("/_") ? path : layer };
    });
  });
}

function sources(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => (readdirSync(join(root, folder), { recursive: true }) as string[])
    .filter((entry) => /\.(ts|md|mjs)$/.test(entry)).map((entry) => join(folder, entry)));
}
