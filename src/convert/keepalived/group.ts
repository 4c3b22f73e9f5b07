// virtual_server_group: addresses, ranges of them and firewall marks that share their real servers. Each becomes a service of one group.

import { formatAddress, parseAddress } from "#model/address.js";
import type { AddressWords } from "#model/address.js";
import { show } from "#model/config/fields.js";
import type { Address, Family } from "#model/director.js";
import type { Place } from "../report.js";
import type { Reading } from "./read.js";
import type { Directive } from "./tree.js";
import { describe } from "./tree.js";

/** What a virtual service is known by; port 0: every port. */
export type Virtual = Place & (
  | { readonly kind: "address"; readonly address: Address; readonly family: Family; readonly port: number }
  | { readonly kind: "fwmark"; readonly fwmark: number; readonly family: Family | undefined });

/** Each address becomes a service, and the director is tested with ten thousand: more was not meant. */
export const RANGE_MAX = 16384;
export const FWMARK_MAX = 2 ** 32 - 1;

export function readGroup(directive: Directive, reading: Reading): readonly Virtual[] {
  const entries = directive.block ?? [];
  if (entries.length === 0) reading.report.note(directive, describe(directive), "has no addresses; keepalived removes it, and so does weir");
  return entries.flatMap((entry) => {
    reading.fates.push({ file: entry.file, line: entry.line, directive: entry.keyword, fate: "used" });
    return entry.keyword === "fwmark" ? readFwmark(entry, reading) : readRange(entry, reading);
  });
}

function readFwmark(entry: Directive, reading: Reading): readonly Virtual[] {
  const fwmark = reading.number(entry, "a firewall mark", 1, FWMARK_MAX);
  const family = entry.values[1];
  if (family !== undefined && family !== "inet" && family !== "inet6") reading.wrong(entry, family, "one of inet, inet6");
  return fwmark === undefined ? [] : [{ ...placeOf(entry), kind: "fwmark", fwmark, family: family === undefined ? undefined : family === "inet6" ? 6 : 4 }];
}

/** "10.0.0.1-10 80", "10.0.0.250-10.0.1.10 80", "10.0.0.8/29 80", or one address. */
function readRange(entry: Directive, reading: Reading): readonly Virtual[] {
  const { report } = reading;
  const port = entry.values[0] === undefined ? 0 : reading.number(entry, "a port", 1, 65535);
  const range = rangeOf(entry.keyword);
  if (range === undefined) {
    report.mistake(entry, `${show(entry.keyword)} is not an address or a range; write 10.0.0.1, 10.0.0.1-10, 10.0.0.250-10.0.1.10, 10.0.0.8/29 or fwmark 1`);
    return [];
  }
  const { first, last, family } = range;
  if (last < first) report.mistake(entry, `${show(entry.keyword)} ends before it begins; put the lower address first`);
  else if (last - first >= BigInt(RANGE_MAX)) report.mistake(entry, `${show(entry.keyword)} has over ${RANGE_MAX} addresses; use a firewall mark for so many`);
  if (port === undefined || last < first || last - first >= BigInt(RANGE_MAX)) return [];
  return Array.from({ length: Number(last - first) + 1 }, (_, i) => ({ ...placeOf(entry), kind: "address" as const, address: addressOf(first + BigInt(i), family), family, port }));
}

interface Range { readonly first: bigint; readonly last: bigint; readonly family: Family }

function rangeOf(text: string): Range | undefined {
  const [, head = "", dash, slash] = /^([^-/]+)(?:-(.+)|\/(\d{1,3}))?$/.exec(text) ?? [];
  const parsed = parseAddress(head);
  if (parsed === undefined) return undefined;
  const { family } = parsed;
  const first = numberOf(parsed.words, family);
  if (dash !== undefined) return rangeTo(first, dash, family);
  const bits = family === 4 ? 32 : 128;
  if (slash === undefined) return { first, last: first, family };
  return Number(slash) > bits ? undefined : { first, last: first | ((1n << BigInt(bits - Number(slash))) - 1n), family };
}

/** The end of a range is an address, or its last part: a decimal number of IPv4, a hexadecimal one of IPv6. */
function rangeTo(first: bigint, end: string, family: Family): Range | undefined {
  const whole = parseAddress(end);
  if (whole !== undefined) return whole.family === family ? { first, last: numberOf(whole.words, family), family } : undefined;
  const [part, size] = family === 4 ? [/^\d{1,3}$/.test(end) ? Number(end) : NaN, 8n] : [/^[\da-f]{1,4}$/i.test(end) ? parseInt(end, 16) : NaN, 16n];
  if (Number.isNaN(part) || part >= Number(1n << size)) return undefined;
  return { first, last: ((first >> size) << size) | BigInt(part), family };
}

const numberOf = (words: AddressWords, family: Family): bigint =>
  family === 4 ? BigInt(words[0]) : words.reduce((number, word) => (number << 32n) | BigInt(word), 0n);

function addressOf(number: bigint, family: Family): Address {
  const word = (i: number) => Number((number >> BigInt(32 * (3 - i))) & 0xffff_ffffn);
  return formatAddress({ family, words: family === 4 ? [Number(number), 0, 0, 0] : [word(0), word(1), word(2), word(3)] });
}

const placeOf = ({ file, line, column }: Directive): Place => ({ file, line, column });
