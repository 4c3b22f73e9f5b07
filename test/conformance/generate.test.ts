// What a seed stands for stays: a difference that was found by one can be played again.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { generate } from "./generate.js";
import { KINDS, featuresByName, kindByName } from "./kind.js";
import type { Script } from "./script.js";

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);
/** Of the steps that the first hundred seeds stood for when there were no other kinds. */
const IPV4_STEPS = "b45deab173f751087074c142c089fc2ef780575e0fb9e32bb8d2ee4b6569c9a0";

test("the scripts of IPv4 are what they were before there were other kinds", () => {
  const hash = createHash("sha256");
  for (const seed of SEEDS) hash.update(JSON.stringify(generate(seed, kindByName("ipv4")).steps));
  assert.equal(hash.digest("hex"), IPV4_STEPS);
});

for (const kind of KINDS) {
  test(`scripts of the kind ${kind.name} are the same for the same seed, have what the kind is for, and send packets`, () => {
    const scripts = SEEDS.map((seed) => generate(seed, kind));
    assert.deepEqual(generate(1, kind), scripts[0]);
    for (const script of scripts) for (const { name } of kind.always ?? []) assert.ok(script.features.includes(name), `script ${script.seed} has no ${name}`);
    assert.ok(scripts.every(sends));
  });
}

test("both families take part in a script of mixed ones", () => {
  const families = (script: Script) => new Set(script.steps.flatMap((step) => ("flow" in step ? [step.flow.client.address.includes(":")] : [])));
  assert.ok(SEEDS.some((seed) => families(generate(seed, kindByName("mixed"))).size === 2));
});

test("kinds and features that there are none of are refused with those that there are", () => {
  assert.throws(() => kindByName("ipv5"), /There is no kind ipv5; there are ipv4, ipv6, /);
  assert.throws(() => featuresByName(kindByName("ipsec"), ["tcp"]), /There is no feature tcp; there are administration, udp, ipsec, /);
});

const sends = ({ steps }: Script): boolean => steps.some(({ kind }) => kind === "request");
