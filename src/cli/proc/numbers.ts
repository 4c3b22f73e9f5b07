// Numbers as /proc/net/ip_vs and its siblings print them: in hexadecimal, in the order of their digits on the wire.

import { addressFamily, addressWords } from "#model/address.js";
import type { Address } from "#model/director.js";

/** "0A000064"; "fd00:0001:0000:0000:0000:0000:0000:0011", all of it: Linux lib/vsprintf.c, ip6_string() by %pI6. */
export function hexAddress(address: Address): string {
  const words = addressWords(address);
  if (addressFamily(address) === 4) return hex(words[0], 8);
  return words.flatMap((word) => [word >>> 16, word & 0xffff]).map((group) => group.toString(16).padStart(4, "0")).join(":");
}

/** "0A000064:0050"; "[fd00:…:0011]:0050". */
export function hexEndpoint({ address, port }: { readonly address: Address; readonly port: number }): string {
  const text = hexAddress(address);
  return `${address.includes(":") ? `[${text}]` : text}:${hexPort(port)}`;
}

export const hexPort = (port: number): string => hex(port, 4);

/** With leading zeros. */
export function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}

/** With leading blanks. */
export function hexColumn(value: bigint | number, width: number): string {
  return value.toString(16).toUpperCase().padStart(width);
}
