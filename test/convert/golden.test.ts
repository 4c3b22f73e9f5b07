// Files of other programs as golden pairs: cases/FORMAT/NAME.txt holds a text, and behind lines "=== document", "=== notes" and
// "=== messages" what becomes of it. WEIR_GOLDEN=write rewrites those; read the difference before keeping it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Imported } from "#convert/document.js";
import { printDocument } from "#convert/document.js";
import { importLdirectord } from "#convert/ldirectord/ldirectord.js";
import { importKeepalived } from "#convert/keepalived/keepalived.js";
import { formatNote } from "#convert/report.js";
import { parseConfig } from "#model/config.js";
import { ConfigError, formatIssue } from "#model/config/error.js";

// Compiled, this file is dist/out/test/convert/golden.test.js; the cases stay in test/convert/cases.
const cases = new URL("../../../../test/convert/cases/", import.meta.url);

/** Other files that a case holds, behind lines "=== file NAME": what includes find. */
type Files = ReadonlyMap<string, string>;

const FORMATS: { readonly [format: string]: (text: string, files: Files) => Imported | Promise<Imported> } = {
  keepalived: (text, files) => importKeepalived(text, {
    file: "keepalived.conf", configId: "main", workingFolder: "/etc/keepalived", hasUser: (name) => files.has(`user ${name}`),
    include: (pattern) => [...files].filter(([name]) => name === pattern || (pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1)))).map(([file, text]) => ({ file, text })),
  }),
  ldirectord: (text) => importLdirectord(text, "ldirectord.cf", {
    hostToAddress: (host, family) => Promise.resolve(HOSTS[host]?.find((address) => address.includes(":") === (family === 6))),
    serviceToPort: (service) => ({ http: 80, domain: 53 })[service],
  }),
};

const HOSTS: { readonly [name: string]: readonly string[] } = { "web.example": ["10.0.0.1", "fd00::1"], sql01: ["10.1.0.1"], sql03: ["10.1.0.3"] };

for (const format of readdirSync(cases).sort()) {
  for (const name of readdirSync(new URL(`${format}/`, cases)).sort()) {
    test(`${format}: ${name.replace(".txt", "").replaceAll("-", " ")} becomes what is written down`, async () => {
      const file = new URL(`${format}/${name}`, cases);
      const { input, files, golden } = split(readFileSync(file, "utf8"));
      const found = await outcome(format, input, files);
      if (process.env.WEIR_GOLDEN === "write") writeFileSync(file, readFileSync(file, "utf8").replace(/^=== (?:document|notes|messages)\n[^]*/m, "") + found);
      else assert.equal(found, golden);
    });
  }
}

function split(text: string): { input: string; files: Files; golden: string } {
  const [, before = "", golden = ""] = /^([^]*?)(=== (?:document|notes|messages)\n[^]*)?$/.exec(text)!;
  const [input = "", ...others] = before.split(/^=== file /m);
  return { input, golden, files: new Map(others.map((other) => [other.slice(0, other.indexOf("\n")), other.slice(other.indexOf("\n") + 1)])) };
}

/** Without the comments of the document, which repeat the notes; and parseConfig() takes what is printed. */
async function outcome(format: string, text: string, files: Files): Promise<string> {
  try {
    const imported = await FORMATS[format]!(text, files);
    const document = printDocument(imported, format);
    parseConfig(document, { file: "weir.yaml", environment: {} });
    const notes = imported.notes.map((note) => `${formatNote(note)}\n`);
    return `=== document\n${document.replace(/^ *#.*\n/gm, "").replace(/^\n/gm, "")}${notes.length > 0 ? `=== notes\n${notes.join("")}` : ""}`;
  } catch (error) {
    if (!(error instanceof ConfigError) || error.file === "weir.yaml") throw error;
    return `=== messages\n${error.issues.map((issue) => `${formatIssue(issue)}\n`).join("")}`;
  }
}
