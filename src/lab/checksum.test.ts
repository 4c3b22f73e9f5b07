import assert from "node:assert/strict";
import { test } from "node:test";
import { internetChecksum, onesComplementSum } from "./checksum.js";

test("the sum is that of RFC 1071's own example", () => {
  // RFC 1071, section 3.
  assert.equal(onesComplementSum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)), 0xddf2);
});

test("the last odd byte counts as the first of a word", () => {
  assert.equal(onesComplementSum(Uint8Array.of(0x12)), 0x1200);
});

test("a checksum put in its place makes the sum all ones", () => {
  const bytes = Uint8Array.of(0x45, 0x00, 0x00, 0x1e, 0x8f, 0xfa, 0x40, 0x00, 0x40, 0x11, 0, 0);
  const checksum = internetChecksum(bytes);
  bytes.set([checksum >> 8, checksum & 0xff], 10);
  assert.equal(onesComplementSum(bytes), 0xffff);
});

test("sums of 64 KB do not overflow", () => {
  assert.equal(onesComplementSum(new Uint8Array(65536).fill(0xff)), 0xffff);
});
