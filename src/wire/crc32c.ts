// RFC 9260 appendix A: CRC32c, and how it changes with a packet's first four bytes.
//
// A packet is a polynomial over GF(2), its first bit the highest power, and its CRC the remainder by P. Remainders add up:
// crc(packet ^ difference) = crc(packet) ^ remainder(difference), where what CRC begins with and ends in cancels out. A
// difference in the first four bytes of n is d · x^(8n - 32), and CRC appends 32 zeros: the remainder is d · x^8n mod P, which
// is found by squaring, from the bits of n. So the rest of the packet is not looked at, and a CRC that was wrong stays wrong.
//
// Bits are held as CRC32c has them, the lowest bit the highest power: bit 31 is 1, bit 30 is x, bit 0 is x^31.

import type { u32 } from "#layout/numbers.js";
import { u32 as U32 } from "#layout/numbers.js";

/** P without its x^32. */
const POLYNOMIAL = 0x82f63b78;

/** x^8, x^16, x^32 … x^(8 · 2^15): what 1, 2, 4 … 2^15 bytes more multiply a remainder by. */
const POWERS = [
  squared(0), squared(1), squared(2), squared(3), squared(4), squared(5), squared(6), squared(7),
  squared(8), squared(9), squared(10), squared(11), squared(12), squared(13), squared(14), squared(15),
];

/**
 * What the CRC of a packet of `bytes` bytes, less than 65,536, changes by when its first four change by `difference`, both
 * by exclusive or and as the host loads them.
 */
export function crcDifference(difference: u32, bytes: u32): u32 {
  "use subprogram";
  let remainder = difference;
  for (let i = 0; i < 8; i++) if (((bytes >>> i) & 1) !== 0) remainder = multiply(remainder, POWERS[i]);
  for (let i = 8; i < 16; i++) if (((bytes >>> i) & 1) !== 0) remainder = multiply(remainder, POWERS[i]);
  return remainder;
}

/** a · b mod P, without a branch: the verifier would follow both ways, 32 times over. */
function multiply(a: u32, b: u32): u32 {
  "use subprogram";
  let product = U32(0);
  let factor = a;
  let shifted = b;
  for (let i = 0; i < 32; i++) {
    product = U32(product ^ (shifted & (0 - (factor >>> 31))));
    factor = U32(factor << 1);
    shifted = U32((shifted >>> 1) ^ (POLYNOMIAL & (0 - (shifted & 1))));
  }
  return product;
}

/** x^8, squared so many times. */
function squared(times: u32): u32 {
  let power = 1 << (31 - 8);
  for (let i = 0; i < times; i++) power = multiply(power, power);
  return power;
}
