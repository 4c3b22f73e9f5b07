// docs/import.md has a row for every directive, and every directive that is used has a case. WEIR_GOLDEN=write rewrites the tables.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { CHECKERS } from "#convert/keepalived/checkers/checkers.js";
import { URL_KEYWORDS } from "#convert/keepalived/checkers/http.js";
import { GLOBAL_KEYWORDS } from "#convert/keepalived/global.js";
import { TOP_KEYWORDS } from "#convert/keepalived/keepalived.js";
import { REAL_SERVER_KEYWORDS } from "#convert/keepalived/real-server.js";
import { VIRTUAL_SERVER_KEYWORDS } from "#convert/keepalived/virtual-server.js";
import { GLOBAL_KEYS } from "#convert/ldirectord/globals.js";
import { VIRTUAL_KEYS } from "#convert/ldirectord/virtual.js";

// Compiled, this file is dist/out/test/convert/document.test.js.
const root = new URL("../../../../", import.meta.url);
const document = new URL("docs/import.md", root);

type Table = { readonly [keyword: string]: { readonly becomes: string } };

const checkers: { readonly [name: string]: Table } = Object.fromEntries(Object.entries(CHECKERS).map(([name, { keywords }]) => [name, keywords]));
const common = Object.fromEntries(Object.entries(checkers.TCP_CHECK!).filter(([keyword]) => keyword in checkers.HTTP_GET!));
const own = (table: Table): Table => Object.fromEntries(Object.entries(table).filter(([keyword]) => !(keyword in common)));

const TABLES: { readonly [format: string]: { readonly [title: string]: Table } } = {
  keepalived: {
    "The file": TOP_KEYWORDS, "`global_defs`": GLOBAL_KEYWORDS, "`virtual_server`": VIRTUAL_SERVER_KEYWORDS, "`real_server`": REAL_SERVER_KEYWORDS,
    "Every checker; a MISC_CHECK those of time alone": common,
    "`HTTP_GET`, `SSL_GET`": own(checkers.SSL_GET!), "`url`": URL_KEYWORDS, "`DNS_CHECK`": own(checkers.DNS_CHECK!), "`SMTP_CHECK`": own(checkers.SMTP_CHECK!),
    "`UDP_CHECK`": own(checkers.UDP_CHECK!), "`MISC_CHECK`": own(checkers.MISC_CHECK!),
  },
  ldirectord: { "At the head of the file": GLOBAL_KEYS, "In a service": VIRTUAL_KEYS },
};

test("docs/import.md says what every directive becomes", () => {
  const text = readFileSync(document, "utf8");
  const wanted = Object.entries(TABLES).reduce((changed, [format, tables]) =>
    changed.replace(new RegExp(`<!-- tables: ${format} -->\n[^]*?(?=\n## )`), () => `<!-- tables: ${format} -->\n${Object.entries(tables).map(([title, table]) => formatTable(title, table)).join("")}`), text);
  if (process.env.WEIR_GOLDEN === "write") writeFileSync(document, wanted);
  else assert.equal(text, wanted);
});

/** Directives that become the same share a row. */
function formatTable(title: string, table: Table): string {
  const rows = new Map<string, string[]>();
  for (const [keyword, { becomes }] of Object.entries(table)) rows.set(becomes, [...(rows.get(becomes) ?? []), keyword]);
  const lines = [...rows].map(([becomes, keywords]) => `| ${keywords.map((keyword) => `\`${keyword}\``).join(", ")} | ${becomes} |\n`);
  return `\n### ${title}\n| directive | weir.yaml |\n|---|---|\n${lines.join("")}`;
}

for (const [format, tables] of Object.entries(TABLES)) {
  test(`every directive of ${format}'s that is used stands in a case that has a document`, () => {
    const folder = new URL(`test/convert/cases/${format}/`, root);
    const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8")).filter((text) => text.includes("=== document\n")).map((text) => text.slice(0, text.indexOf("=== document\n"))).join("\n");
    const words = new Set(texts.split(/[\s={}]+/));
    const used = Object.values(tables).flatMap((table) => Object.entries(table)).filter(([, { becomes }]) => !becomes.startsWith("nothing: ") && !becomes.startsWith("a mistake")).map(([keyword]) => keyword);
    assert.ok(used.length > 20);
    assert.deepEqual(used.filter((keyword) => !words.has(keyword)), []);
  });
}
