import assert from "node:assert/strict";
import { test } from "node:test";
import { leftovers } from "./namespaces.js";

const DEAD = 99_999_991;
const onlyDead = (pid: number): boolean => pid !== DEAD;

test("namespaces of a process that is gone are leftovers", () => {
  assert.deepEqual(leftovers([`weir-${DEAD}-1-client`, `weir-${DEAD}-2-r1`], onlyDead), [`weir-${DEAD}-1-client`, `weir-${DEAD}-2-r1`]);
});

test("namespaces of living processes and of others are left alone", () => {
  assert.deepEqual(leftovers(["weir-1-1-client", "weir", "weir-production", `weir-${DEAD}`, `blue-${DEAD}-1-client`, `weir-${DEAD}-1-client-of-mine`], onlyDead), []);
});

test("a name with this process's id that it did not make is a leftover of an earlier process", () => {
  assert.deepEqual(leftovers([`weir-${process.pid}-77-client`], () => true), [`weir-${process.pid}-77-client`]);
});
