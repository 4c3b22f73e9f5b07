// docs/configuration.md has the keys of the schema, as weir.yaml(5) has them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { withKeyTables } from "#cli/weir/manual/config-page.js";
import { CONNECTIONS_DEFAULT } from "#dataplane/maps.js";
import { KEY_SECTIONS } from "#model/config/meanings.js";
import { MemoryDirector } from "#model/memory-director.js";

// Compiled, this file is dist/out/test/config/document.test.js.
const document = readFileSync(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");

test("the tables of docs/configuration.md are those that npm run docs writes", () => {
  assert.equal(document, withKeyTables(document));
});

test("a document whose tables are not those of the schemas is refused", () => {
  assert.throws(() => withKeyTables("<!-- keys of nothing, -->\n<!-- end of keys -->"), /keys of nothing, and the schema has none; known are top,/);
  assert.throws(() => withKeyTables("<!-- keys of top, -->\n<!-- end of keys -->"), /no table of the keys of defaults, service,/);
});

test("what goes without a key is what a new director begins with", () => {
  const [top] = KEY_SECTIONS;
  const { tcp, tcpFin, udp } = new MemoryDirector().timeouts();
  assert.match(top!.keys["timeouts"]!.without, new RegExp(`\\b${tcp}, ${tcpFin} and ${udp} s`));
  assert.match(top!.keys["connectionTable"]!.without, new RegExp(`^${CONNECTIONS_DEFAULT} of IPv4`));
});
