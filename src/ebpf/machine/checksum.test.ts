import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../_random.js";
import { csumAdd, csumFold, csumFrom32to16, csumPartial, csumReplace2, csumReplace4, csumReplaceByDiff, csumSub } from "./checksum.js";

/** RFC 1071: the complement of the one's complement sum of 16-bit words, from scratch. */
const checksum = (bytes: Uint8Array): number => csumFold(csumPartial(bytes, 0));

test("RFC 1071's example sums to ddf2", () => {
  // Section 3: 0001 f203 f4f5 f6f7, in network order; the sum of swapped words is the swapped sum.
  assert.equal(checksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)), ~0xf2dd & 0xffff);
});

test("replacing words in a checksum gives what summing again gives", () => {
  const { below, note } = seededRandom();
  for (let i = 0; i < 2000; i++) {
    const bytes = Uint8Array.from({ length: 20 }, () => below(256));
    const view = new DataView(bytes.buffer);
    const before = checksum(bytes);
    const [from4, from2] = [view.getUint32(4, true), view.getUint16(12, true)];
    const [to4, to2] = [below(0xffff_ffff), below(0xffff)];
    const diff = csumSub(csumAdd(to4, 0), from4);
    view.setUint32(4, to4, true);
    assert.equal(csumReplace4(before, from4, to4), checksum(bytes), note);
    assert.equal(csumReplaceByDiff(before, diff), checksum(bytes), note);
    const between = checksum(bytes);
    view.setUint16(12, to2, true);
    assert.equal(csumReplace2(between, from2, to2), checksum(bytes), note);
  }
});

test("missing bytes of the last word count as zeros", () => {
  assert.equal(csumPartial(Uint8Array.of(1, 2, 3, 4, 5, 6, 7), 0), 0x040a_0806);
});

test("a sum of ones stays ones: it is not the zero that it is congruent to", () => {
  assert.equal(csumPartial(new Uint8Array(8).fill(0xff), 0), 0xffff_ffff);
});

test("folding without the complement keeps the carry", () => {
  assert.equal(csumFrom32to16(0x0001_ffff), 1);
  assert.equal(csumFrom32to16(0xffff_ffff), 0xffff);
  assert.equal(csumFrom32to16(0), 0);
});
