// Files that are nearly keepalived's or ldirectord's: each comes to a document that parseConfig() takes, or to mistakes with their lines.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { printDocument } from "#convert/document.js";
import type { Imported } from "#convert/document.js";
import { importKeepalived } from "#convert/keepalived/keepalived.js";
import { importLdirectord } from "#convert/ldirectord/ldirectord.js";
import { parseConfig } from "#model/config.js";
import { ConfigError } from "#model/config/error.js";
import { Random } from "../packets/random.js";
import { Outcomes, assertClear } from "./judge.js";
import { mutate } from "./mutate.js";

// Compiled, this file is dist/out/test/fuzz/imported-files.js.
const cases = new URL("../../../../test/convert/cases/", import.meta.url);

const FORMATS = {
  keepalived: (text) => importKeepalived(text, { file: "keepalived.conf", configId: "main", workingFolder: "/etc/keepalived", hasUser: () => false, include: () => [] }),
  ldirectord: (text) => importLdirectord(text, "ldirectord.cf", { hostToAddress: () => Promise.resolve(undefined), serviceToPort: () => undefined }),
} satisfies { readonly [format: string]: (text: string) => Imported | Promise<Imported> };
export const IMPORTED_FORMATS = Object.keys(FORMATS) as readonly (keyof typeof FORMATS)[];

export async function fuzzImported(format: keyof typeof FORMATS, seed: number, count: number): Promise<void> {
  const random = new Random(seed);
  const names = readdirSync(new URL(`${format}/`, cases));
  const texts = names.map((name) => readFileSync(new URL(`${format}/${name}`, cases), "utf8").replace(/^=== [^]*/m, ""));
  const right = texts.filter((_text, i) => !names[i]!.startsWith("mistakes"));
  const outcomes = new Outcomes();
  for (let i = 0; i < count; i++) {
    const text = mutate(random.pick(right), texts, random);
    const document = await imported(format, text);
    outcomes.add(document === undefined ? "refused" : "imported");
    if (document !== undefined) assert.doesNotThrow(() => parseConfig(document, { file: "weir.yaml", environment: {} }), text);
  }
  outcomes.assertCommon(["refused", "imported"], count / 50);
}

async function imported(format: keyof typeof FORMATS, text: string): Promise<string | undefined> {
  try {
    return printDocument(await FORMATS[format](text), "file");
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${(error as Error).stack}\n${text}`);
    for (const { line, message } of error.issues) {
      assert.ok(line >= 1 && line <= text.split("\n").length, `line ${line}: ${message}\n${text}`);
      assertClear(message, text);
    }
    return undefined;
  }
}
