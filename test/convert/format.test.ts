// Whose configuration a file is: by its name, else by what is in it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { detectFormat } from "#convert/format.js";

// Compiled, this file is dist/out/test/convert/format.test.js.
const root = new URL("../../../../", import.meta.url);

test("a name tells", () => {
  const names = { "weir.yaml": "weir", "/etc/keepalived/keepalived.conf": "keepalived", "keepalived.conf.sample": "keepalived", "/etc/ha.d/ldirectord.cf": "ldirectord", "ipvsadm.rules": "ipvsadm", "/etc/virtual.json": "weir" };
  for (const [name, format] of Object.entries(names)) assert.equal(detectFormat(name, "virtual=10.0.0.1:80\n"), format, name);
});

test("where it does not, the text does", () => {
  const texts: readonly (readonly [text: string, format: string])[] = [
    ["", "weir"],
    ["# services\nservices:\n  - fwmark: 1\n", "weir"],
    ["{\"services\": []}", "weir"],
    ["defaults: { checks: [{ type: http, path: /global_defs }] }\nservices: []\n", "weir"],
    ["include: [a.yaml, b.yaml]\n", "weir"],
    ["-A -t 10.0.0.1:80 -s rr\n", "ipvsadm"],
    ["\nipvsadm --add-service -f 3\n", "ipvsadm"],
    ["! a comment\n\nglobal_defs\n{\n}\n", "keepalived"],
    ["$A=1\n", "keepalived"],
    ["include /etc/keepalived/conf.d/*\n", "keepalived"],
    ["  virtual_server fwmark 3 {\n", "keepalived"],
    ["# a comment\nchecktimeout = 3\n", "ldirectord"],
    ["virtual6=[fd00::1]:80\n", "ldirectord"],
  ];
  for (const [text, format] of texts) assert.equal(detectFormat("conf", text), format, text);
});

test("the examples and the cases of every format are told apart", () => {
  for (const name of readdirSync(new URL("docs/examples/", root))) assert.equal(detectFormat("conf", readFileSync(new URL(`docs/examples/${name}`, root), "utf8")), "weir", name);
  for (const format of ["keepalived", "ldirectord"]) {
    for (const name of readdirSync(new URL(`test/convert/cases/${format}/`, root)).filter((name) => !name.includes("language"))) {
      assert.equal(detectFormat("conf", readFileSync(new URL(`test/convert/cases/${format}/${name}`, root), "utf8")), format, name);
    }
  }
});
