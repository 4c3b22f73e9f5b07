// Addresses as numbers and as text, in the form that the C library's inet_pton() reads and inet_ntop() writes. Every
// Address of a Director is in this form, so equal addresses are equal strings.

import type { Address, Family } from "./director.js";

/** Four 32-bit words in host order; an IPv4 address is the first of them. */
export type AddressWords = readonly [number, number, number, number];

export interface ParsedAddress {
  readonly family: Family;
  readonly words: AddressWords;
}

export function parseAddress(text: string): ParsedAddress | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return { family: 4, words: [ipv4, 0, 0, 0] };
  const ipv6 = parseIpv6(text);
  return ipv6 === undefined ? undefined : { family: 6, words: ipv6 };
}

export function formatAddress({ family, words }: ParsedAddress): Address {
  return family === 4 ? formatIpv4(words[0]) : formatIpv6(words);
}

/** Of an address that is one already. */
export function addressWords(address: Address): AddressWords {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new TypeError(`"${address}" is not an address`);
  return parsed.words;
}

export function addressFamily(address: Address): Family {
  return address.includes(":") ? 6 : 4;
}

/** Four decimal numbers without leading zeros. */
export function parseIpv4(text: string): number | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return value;
}

export function formatIpv4(value: number): Address {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** RFC 4291 section 2.2. Zones ("fe80::1%eth0") are refused. */
export function parseIpv6(text: string): AddressWords | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = "", tail] = halves;
  const first = parseGroups(head, tail === undefined);
  const last = parseGroups(tail ?? "", true);
  if (first === undefined || last === undefined) return undefined;
  const zeros = 8 - first.length - last.length;
  if (tail === undefined ? zeros !== 0 : zeros < 1) return undefined;
  const groups = [...first, ...new Array<number>(zeros).fill(0), ...last];
  const word = (i: number) => (groups[i * 2]! * 0x10000) + groups[i * 2 + 1]!;
  return [word(0), word(1), word(2), word(3)];
}

/** The 16-bit groups of one side of "::"; the last 32 bits of an address may be written as IPv4. */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      const ipv4 = endsAddress && i === parts.length - 1 ? parseIpv4(part) : undefined;
      if (ipv4 === undefined) return undefined;
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    }
  }
  return groups;
}

/** RFC 5952, with IPv4-mapped and IPv4-compatible addresses in mixed notation, as glibc's inet_ntop() writes them. */
export function formatIpv6(words: AddressWords): Address {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const run = longestZeroRun(groups);
  const isMixed = run.start === 0 && (run.length === 6 || (run.length === 5 && groups[5] === 0xffff));
  const hex = (from: number, to: number) => groups.slice(from, to).map((group) => group.toString(16));
  const tail = isMixed ? [...hex(run.length, 6), formatIpv4(words[3])] : hex(run.start + run.length, 8);
  return run.length < 2 ? hex(0, 8).join(":") : `${hex(0, run.start).join(":")}::${tail.join(":")}`;
}

/** The first of the longest. RFC 5952 section 4.2.2: one group of zeros alone is not shortened. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
