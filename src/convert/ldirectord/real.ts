// real= and fallback=: servers, one or a range of them.

import { formatIpv4, parseIpv4 } from "#model/address.js";
import { notUnicast } from "#model/config/address.js";
import { THRESHOLD_MAX, WEIGHT_MAX } from "#model/config/schema.js";
import { show } from "#model/config/fields.js";
import type { Address, Family, Protocol } from "#model/director.js";
import type { Entry } from "./entries.js";
import type { Reading } from "./read.js";

const METHODS = { gate: "dr", masq: "nat", ipip: "tun" } as const;

export interface Server {
  readonly entry: Entry;
  readonly address: Address;
  /** 0: none was given. */
  readonly port: number;
  readonly method: "dr" | "nat" | "tun";
}

export interface Real extends Server {
  readonly weight: number;
  readonly request: string | undefined;
  readonly receive: string | undefined;
  readonly lowerThreshold: number;
  readonly upperThreshold: number;
}

/** More servers than this in one service were not meant. */
const RANGE_MAX = 16384;

const HOST = "\\d+\\.\\d+\\.\\d+\\.\\d+|[A-Za-z0-9.-]+?|\\[[0-9A-Fa-f:.]+\\]";
const REAL = new RegExp(`^(?<first>${HOST})(?:->(?<last>${HOST}))?(?::(?<port>[\\w-]+))?\\s+(?<method>\\w+)(?:\\s+(?<weight>\\d+))?`
  + "(?:\\s+\"(?<request>.*?)\"[, ]\\s*\"(?<receive>.*?)\")?(?:\\s+l:(?<lower>\\d+))?(?:\\s+u:(?<upper>\\d+))?$");

export async function readReal(entry: Entry, family: Family, protocol: Protocol, reading: Reading): Promise<readonly Real[]> {
  const parts = REAL.exec(entry.value)?.groups;
  if (parts === undefined) {
    reading.report.mistake(entry, `${entry.key}: ${show(entry.value)} is no real server; write ADDRESS[->ADDRESS][:PORT] gate|masq|ipip [WEIGHT] ["REQUEST", "RECEIVE"] [l:NUMBER] [u:NUMBER]`);
    return [];
  }
  const method = readMethod(entry, parts.method!, reading);
  const weight = readNumber(entry, parts.weight ?? "1", "a weight", WEIGHT_MAX, reading);
  const [lowerThreshold, upperThreshold] = [parts.lower, parts.upper].map((text) => readNumber(entry, text ?? "0", "a number of connections", THRESHOLD_MAX, reading));
  if (lowerThreshold !== undefined && upperThreshold !== undefined && lowerThreshold > upperThreshold) {
    reading.report.mistake(entry, `${entry.key}: l:${lowerThreshold} is above u:${upperThreshold}; give an upper threshold of at least ${lowerThreshold}`);
  }
  const port = parts.port === undefined ? 0 : reading.port(entry, parts.port, protocol);
  const addresses = await readAddresses(entry, parts.first!, parts.last, family, reading);
  const receive = parts.receive === undefined || parts.receive === "" ? undefined : reading.expression(entry, parts.receive);
  if (method === undefined || weight === undefined || lowerThreshold === undefined || upperThreshold === undefined || port === undefined) return [];
  return addresses.map((address) => ({ entry, address, port, method, weight, request: parts.request, receive, lowerThreshold, upperThreshold }));
}

/** "ADDRESS[:PORT] [gate|masq|ipip]"; without a port that of the service. */
export async function readFallback(entry: Entry, family: Family, protocol: Protocol, reading: Reading): Promise<Server | undefined> {
  const parts = /^(?<host>\[[^\]]*\]|[^\s:]+)(?::(?<port>[\w-]+))?(?:\s+(?<method>\w+))?$/.exec(entry.value)?.groups;
  if (parts === undefined) return reading.wrong(entry, entry.value, "a server; write ADDRESS[:PORT] [gate|masq|ipip]");
  const method = readMethod(entry, parts.method ?? "gate", reading);
  const port = parts.port === undefined ? 0 : reading.port(entry, parts.port, protocol);
  const address = await readOne(entry, parts.host!, family, reading);
  return method === undefined || port === undefined || address === undefined ? undefined : { entry, address, port, method };
}

function readMethod(entry: Entry, name: string, reading: Reading): Server["method"] | undefined {
  return Object.hasOwn(METHODS, name) ? METHODS[name as keyof typeof METHODS] : reading.wrong(entry, name, "a method; known are gate, masq, ipip");
}

function readNumber(entry: Entry, text: string, unit: string, max: number, reading: Reading): number | undefined {
  return Number(text) <= max ? Number(text) : reading.wrong(entry, text, `${unit} from 0 to ${max}`);
}

async function readAddresses(entry: Entry, from: string, to: string | undefined, family: Family, reading: Reading): Promise<readonly Address[]> {
  const first = await readOne(entry, from, family, reading);
  if (to === undefined) return first === undefined ? [] : [first];
  if (family === 6) return reading.wrong(entry, `${from}->${to}`, "possible: ldirectord has ranges of IPv4 alone; name each server") ?? [];
  const last = await readOne(entry, to, family, reading);
  if (first === undefined || last === undefined) return [];
  const [low, high] = [parseIpv4(first)!, parseIpv4(last)!];
  if (high < low) return reading.wrong(entry, `${from}->${to}`, "a range: it ends before it begins; put the lower address first") ?? [];
  if (high - low >= RANGE_MAX) return reading.wrong(entry, `${from}->${to}`, `a range of at most ${RANGE_MAX} addresses`) ?? [];
  return Array.from({ length: high - low + 1 }, (_, i) => formatIpv4(low + i));
}

async function readOne(entry: Entry, text: string, family: Family, reading: Reading): Promise<Address | undefined> {
  const address = await reading.address(entry, text, family);
  const reason = address === undefined ? undefined : notUnicast(address);
  if (reason !== undefined) reading.report.mistake(entry, `${entry.key}: ${address} ${reason}; give the server's own`);
  return address;
}
