import assert from "node:assert/strict";
import { test } from "node:test";
import { release } from "node:os";
import { bpfLacks } from "./_privileges.js";
import { bpf_xdp_adjust_head } from "#prelude/helpers.js";
import { FEATURES, hasHelper, probeFeatures } from "./features.js";

const number = (version: string) => {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major * 1000 + minor;
};

test("what came with this kernel's release or an earlier one is found", { skip: bpfLacks }, () => {
  const expected = FEATURES.filter(({ since }) => number(since) <= number(release())).map(({ name }) => name);
  const found = probeFeatures().filter(({ available }) => available).map(({ feature }) => feature.name);
  assert.deepEqual(expected.filter((name) => !found.includes(name)), []);
});

test("a helper that no kernel has, and one of another hook, are not found", { skip: bpfLacks }, () => {
  assert.equal(hasHelper({ id: 100_000, programs: ["xdp"] }), false);
  assert.equal(hasHelper({ ...bpf_xdp_adjust_head, programs: ["tc"] }), false);
  assert.equal(hasHelper(bpf_xdp_adjust_head), true);
});
