// Files of keepalived's that include each other: to an end, whatever they are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { importKeepalived } from "#convert/keepalived/keepalived.js";
import { ConfigError } from "#model/config/error.js";

test("a file that includes itself twice comes to an end, with a mistake that says why", () => {
  const text = "include keepalived.conf\ninclude keepalived.conf\n";
  assert.throws(() => importKeepalived(text, { file: "keepalived.conf", configId: "main", workingFolder: "/etc/keepalived", hasUser: () => false, include: () => [{ file: "keepalived.conf", text }] }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.ok(error.issues.some(({ message }) => message === "more than 10000 files are included; does a file include itself?"));
    return true;
  });
});
