// DNS_CHECK: one question over UDP is answered without an error. keepalived 2.2.7 keepalived/check/check_dns.c, dns_recv_thread().

import { randomInt } from "node:crypto";
import type { DnsProbe } from "#model/health.js";
import { CheckFailure } from "../attempt.js";
import type { Target } from "../target.js";
import { exchange } from "../datagram.js";
import type { Verdict } from "../verdict.js";
import { healthy } from "../verdict.js";

/** RFC 1035 section 4.1.1. */
const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const CODE_MASK = 0x000f;
const CLASS_IN = 1;
const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** IANA's "Resource Record (RR) TYPEs". */
export const RECORD_TYPES: { readonly [name: string]: number | undefined } = {
  A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, HINFO: 13, MX: 15, TXT: 16, AAAA: 28, SRV: 33, NAPTR: 35, DS: 43, RRSIG: 46, NSEC: 47, DNSKEY: 48, TLSA: 52, SVCB: 64, HTTPS: 65,
  ANY: 255, CAA: 257,
};

export async function probe({ recordType, name }: DnsProbe, target: Target, signal: AbortSignal): Promise<Verdict> {
  const attempted = `ask ${target.name} for ${name} ${recordType}`;
  const id = randomInt(0x10000);
  const code = await exchange(attempted, question(id, recordType, name), target, signal, (answer) => codeOf(answer, id));
  if (code !== 0) throw new CheckFailure(`${target.name} answered ${CODES[code] ?? `code ${code}`} when asked for ${name} ${recordType}`);
  return healthy(`${target.name} answered when asked for ${name} ${recordType}`);
}

/** Undefined for what is no answer to this question: it is waited for. */
function codeOf(answer: Buffer, id: number): number | undefined {
  if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== id) return undefined;
  const flags = answer.readUInt16BE(2);
  return (flags & RESPONSE) === 0 ? undefined : flags & CODE_MASK;
}

function question(id: number, recordType: string, name: string): Buffer {
  const type = RECORD_TYPES[recordType.toUpperCase()];
  if (type === undefined) throw new CheckFailure(`cannot ask for records of type ${recordType}: weir does not know it; known are ${Object.keys(RECORD_TYPES).join(", ")}`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(RECURSION_DESIRED, 2);
  header.writeUInt16BE(1, 4);
  const labels = name.split(".").filter((label) => label !== "").flatMap((label) => [Buffer.of(label.length), Buffer.from(label, "latin1")]);
  const end = Buffer.alloc(5);
  end.writeUInt16BE(type, 1);
  end.writeUInt16BE(CLASS_IN, 3);
  return Buffer.concat([header, ...labels, end]);
}
