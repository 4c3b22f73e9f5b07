import assert from "node:assert/strict";
import { test } from "node:test";
import { DirectorError } from "#model/director.js";
import { describeError } from "./messages.js";

test("a refusal is said in ipvsadm's words, without the director's own", () => {
  assert.equal(describeError(new DirectorError("SERVICE_EXISTS", "Cannot add tcp 10.0.0.100:80: it exists already")), "Service already exists");
  assert.equal(describeError(new DirectorError("NO_SUCH_SERVICE", "")), "No such service");
  assert.equal(describeError(new DirectorError("NO_SUCH_SERVICE", ""), true), "Service not defined");
});

test("what ipvsadm has no words for is said in the director's", () => {
  assert.equal(describeError(new DirectorError("UNSUPPORTED", "Cannot make it: not here")), "Cannot make it: not here");
  assert.equal(describeError(new Error("Cannot load: no")), "Cannot load: no");
});

test("missing privileges have one message, from whichever layer they come", () => {
  for (const code of ["PERMISSION", "EACCES", "EPERM"]) {
    assert.equal(describeError(Object.assign(new Error("no"), { code })), "Permission denied (you must be root)");
  }
});

test("mistakes of weir's own are not taken for refusals", () => {
  assert.throws(() => describeError(new TypeError("x is not a function")), TypeError);
});
