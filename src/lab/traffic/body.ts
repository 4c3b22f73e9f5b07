// Bodies whose every byte is known to both ends: block n of a body differs from all others, so that a lost, doubled or
// exchanged piece changes the digest.

import { createHash } from "node:crypto";

const BLOCK_BYTES = 65536;
const pattern = patternBlock();

/** A body of `length` bytes, block by block. */
export function* body(length: number): Generator<Buffer> {
  for (let start = 0; start < length; start += BLOCK_BYTES) {
    const block = Buffer.from(pattern);
    block.writeBigUInt64BE(BigInt(start), 0);
    yield block.subarray(0, Math.min(BLOCK_BYTES, length - start));
  }
}

/** SHA-256 of body(length), in hexadecimal. */
export function bodyDigest(length: number): string {
  const hash = createHash("sha256");
  for (const block of body(length)) hash.update(block);
  return hash.digest("hex");
}

/** xorshift32 (Marsaglia 2003): not random, but without a period that a packet's size could hit. */
function patternBlock(): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  let state = 0x9e3779b9;
  for (let i = 0; i < BLOCK_BYTES; i += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    block.writeInt32LE(state | 0, i);
  }
  return block;
}
