// SCTP's checksum: what the data plane changes by differences is what a computation over the whole packet gives.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "#lab/checksum.js";
import { crcDifference } from "#wire/crc32c.js";

const random = (seed: number) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8;

test("a CRC computed anew is the one of RFC 3720 appendix B.4", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

test("a CRC changes by the difference of the first four bytes as one that is computed anew, at every length", () => {
  const next = random(9260);
  for (const bytes of [...Array.from({ length: 2000 }, (_, i) => i + 4), 4096, 9000, 32768, 65532, 65535]) {
    const packet = Uint8Array.from({ length: bytes }, next);
    const before = crc32c(packet);
    const view = new DataView(packet.buffer);
    const difference = [(next() << 16) >>> 0, next() & 0xffff, 1, 0x80000000, ((next() << 16) ^ next()) >>> 0][bytes % 5]!;
    view.setUint32(0, (view.getUint32(0, true) ^ difference) >>> 0, true);
    assert.equal((before ^ crcDifference(difference, bytes)) >>> 0, crc32c(packet), `${bytes} bytes, difference 0x${difference.toString(16)}`);
  }
});
