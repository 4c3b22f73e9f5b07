// Files that are nearly right: words and lines of the cases are taken away, doubled, mixed and changed. Each comes to a document that
// parseConfig() takes, or to mistakes with their lines, and never to anything else. WEIR_SEED replays a run.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { printDocument } from "#convert/document.js";
import type { Imported } from "#convert/document.js";
import { importKeepalived } from "#convert/keepalived/keepalived.js";
import { importLdirectord } from "#convert/ldirectord/ldirectord.js";
import { parseConfig } from "#model/config.js";
import { ConfigError } from "#model/config-error.js";
import { Random, seedOfThisRun } from "../packets/random.js";

const INPUTS = 1000;
const seed = seedOfThisRun();
// Compiled, this file is dist/out/test/convert/fuzz.test.js.
const cases = new URL("../../../../test/convert/cases/", import.meta.url);

const FORMATS: { readonly [format: string]: (text: string) => Imported | Promise<Imported> } = {
  keepalived: (text) => importKeepalived(text, { file: "keepalived.conf", configId: "main", workingFolder: "/etc/keepalived", include: () => [] }),
  ldirectord: (text) => importLdirectord(text, "ldirectord.cf", { hostToAddress: () => Promise.resolve(undefined), serviceToPort: () => undefined }),
};

for (const [format, read] of Object.entries(FORMATS)) {
  test(`${INPUTS} files that are nearly ${format}'s, seed ${seed}`, async () => {
    const random = new Random(seed);
    const names = readdirSync(new URL(`${format}/`, cases));
    const texts = names.map((name) => readFileSync(new URL(`${format}/${name}`, cases), "utf8").replace(/^=== [^]*/m, ""));
    const right = texts.filter((_text, i) => !names[i]!.startsWith("mistakes"));
    const words = texts.flatMap((text) => text.split(/\s+/));
    let imported = 0;
    for (let i = 0; i < INPUTS; i++) {
      const text = mutate(random.pick(right), texts, words, random);
      const document = await outcome(read, text);
      if (document === undefined) continue;
      imported++;
      assert.doesNotThrow(() => parseConfig(document, { file: "weir.yaml", environment: {} }), text);
    }
    assert.ok(imported > INPUTS / 50 && imported < INPUTS, `${imported} were right`);
  });
}

async function outcome(read: (typeof FORMATS)[string], text: string): Promise<string | undefined> {
  try {
    return printDocument(await read(text), "file");
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${(error as Error).stack}\n${text}`);
    for (const { line, message } of error.issues) assert.ok(line >= 1 && line <= text.split("\n").length && message.length > 0, text);
    return undefined;
  }
}

function mutate(text: string, texts: readonly string[], words: readonly string[], random: Random): string {
  const lines = text.split("\n");
  for (let i = 1 + random.below(3); i > 0; i--) {
    const at = random.below(lines.length);
    const line = lines[at]!;
    switch (random.below(6)) {
      case 0: lines.splice(at, 1, ""); break;
      case 1: lines.splice(at, 0, line); break;
      case 2: lines[at] = random.pick(random.pick(texts).split("\n")); break;
      case 3: lines[at] = line.replace(/\S+(?=\s*$)/, random.pick(words)); break;
      case 4: lines[at] = line.replace(/\d+/, String(random.pick([0, 1, 6, 64, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32]))); break;
      default: lines[at] = line.slice(0, random.below(line.length + 1)) + random.pick(["", "{", "}", '"', "'", "\\", "$", "#", " x", "-1"]) + line.slice(random.below(line.length + 1));
    }
  }
  return lines.join("\n");
}
