// weir.yaml as it is written: plain objects with its keys (docs/configuration.md), and their text. What equals weir's own
// default is left out, and what all destinations of a service share stands once, at the service.

import { isDeepStrictEqual } from "node:util";
import type { Pair, YAMLMap, YAMLSeq } from "yaml";
import { Document, visit } from "yaml";
import type { Note } from "./report.js";
import { formatNote } from "./report.js";

export interface WrittenTunnel {
  readonly type: "ipip" | "gue" | "gre";
  readonly port?: number;
  readonly checksum?: "none" | "checksum" | "remote";
}

export interface WrittenForwarding {
  readonly method?: "nat" | "dr" | "tun";
  readonly tunnel?: WrittenTunnel;
}

export interface WrittenRequest {
  readonly path?: string;
  readonly host?: string;
  readonly method?: "GET" | "HEAD";
  readonly status?: number | string | readonly (number | string)[];
  readonly digest?: string;
  readonly body?: string;
  readonly bodyNot?: string;
}

export interface WrittenTiming {
  readonly every?: number;
  readonly timeout?: number;
  readonly retries?: number;
  readonly retryDelay?: number;
  readonly warmup?: number;
}

export interface WrittenTarget {
  readonly address?: string;
  readonly port?: number;
  readonly source?: string;
  readonly interface?: string;
  readonly mark?: number;
}

/** What the types of checks have of their own. */
export type WrittenProbe =
  | { readonly type: "tcp" | "ping" }
  | { readonly type: "http" | "https"; readonly version?: "1.0" | "1.1"; readonly sni?: boolean; readonly requests?: readonly WrittenRequest[] } & WrittenRequest
  | { readonly type: "dns"; readonly record?: string; readonly name?: string }
  | { readonly type: "smtp"; readonly helo?: string }
  | { readonly type: "udp"; readonly payload?: string; readonly reply?: true | { readonly begins?: string; readonly lengthMin?: number; readonly lengthMax?: number } }
  | { readonly type: "script"; readonly command: readonly string[]; readonly setsWeight?: boolean; readonly user?: string };

export type WrittenCheck = WrittenProbe & WrittenTarget & WrittenTiming;

export type WrittenCommand = readonly string[] | { readonly command: readonly string[]; readonly user: string };

export interface WrittenHealth {
  readonly checks?: readonly WrittenCheck[];
  readonly onFailure?: "remove" | "quiesce";
  readonly startsDown?: boolean;
  readonly notifyUp?: WrittenCommand;
  readonly notifyDown?: WrittenCommand;
}

export interface WrittenServer extends WrittenForwarding {
  readonly address: string;
  readonly port?: number;
}

export interface WrittenDestination extends WrittenServer, WrittenHealth {
  readonly weight?: number;
  readonly upperThreshold?: number;
  readonly lowerThreshold?: number;
}

export interface WrittenService extends WrittenForwarding, WrittenHealth {
  readonly protocol?: "tcp" | "udp" | "sctp";
  readonly address?: string;
  readonly port?: number;
  readonly fwmark?: number;
  readonly family?: 4 | 6;
  readonly scheduler?: string;
  readonly schedulerFlags?: readonly string[];
  readonly persistent?: number;
  readonly netmask?: string;
  readonly persistenceEngine?: string;
  readonly onePacket?: boolean;
  readonly group?: string;
  readonly quorum?: { readonly weight?: number; readonly hysteresis?: number; readonly notifyUp?: WrittenCommand; readonly notifyDown?: WrittenCommand };
  readonly sorryServer?: WrittenServer & { readonly quiesced?: boolean };
  readonly destinations: readonly WrittenDestination[];
}

export interface WrittenSyncDaemon {
  readonly role: "master" | "backup";
  readonly interface: string;
  readonly syncId?: number;
  readonly lengthMax?: number;
  readonly group?: string;
  readonly port?: number;
  readonly ttl?: number;
}

export interface WrittenDocument {
  readonly scriptUser?: string;
  readonly timeouts?: { readonly tcp?: number; readonly tcpFin?: number; readonly udp?: number };
  readonly sync?: readonly WrittenSyncDaemon[];
  readonly services: readonly WrittenService[];
}

/** Where each service of the document came from: "keepalived.conf:12". */
export type Origins = readonly string[];

export interface Imported {
  readonly document: WrittenDocument;
  readonly origins: Origins;
  readonly notes: readonly Note[];
}

/** weir's own timing, as model/config/health.ts reads a check that says nothing. */
const DEFAULT_TIMING: Required<WrittenTiming> = { every: 10, timeout: 5, retries: 1, retryDelay: 1, warmup: 0 };

/** Only what differs from weir's own. */
export function writtenTiming(timing: Required<WrittenTiming>): WrittenTiming {
  return Object.fromEntries(Object.entries(timing).filter(([key, value]) => DEFAULT_TIMING[key as keyof WrittenTiming] !== value));
}

/** Without the keys that have no value. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** Keys of destinations that their service may hold for all of them. */
const SHARED = ["method", "tunnel", "checks", "onFailure", "startsDown"] as const;

/** What all destinations say alike, their service says once. */
export function shareSettings(service: WrittenService): WrittenService {
  const [first, ...others] = service.destinations;
  if (first === undefined) return service;
  const shared = SHARED.filter((key) => first[key] !== undefined && others.every((other) => isDeepStrictEqual(other[key], first[key])));
  const destinations = service.destinations.map((destination) =>
    Object.fromEntries(Object.entries(destination).filter(([key]) => !(shared as readonly string[]).includes(key))) as unknown as WrittenDestination);
  const { sorryServer, destinations: _all, ...rest } = service;
  return { ...rest, ...Object.fromEntries(shared.map((key) => [key, first[key]])), ...(sorryServer && { sorryServer }), destinations };
}

const LINE_CHARACTERS = 120;
/** With more, what is the same is written again each time: a reader of YAML looks for an alias's anchor from the beginning of the file. */
const ALIASED_SERVICES_MAX = 256;

/** The text of weir.yaml; what was left out stands at its head as comments. */
export function printDocument({ document, origins, notes }: Imported, file: string): string {
  const yaml = new Document(document, { aliasDuplicateObjects: document.services.length <= ALIASED_SERVICES_MAX });
  // What looks like a variable of the environment is none.
  visit(yaml, { Scalar(_key, scalar) { if (typeof scalar.value === "string") scalar.value = scalar.value.replaceAll("${", () => "$${"); } });
  const services = yaml.get("services") as YAMLSeq<YAMLMap>;
  for (const [i, service] of services.items.entries()) {
    if (origins[i] === undefined) continue;
    service.commentBefore = ` ${origins[i]}`;
    if (i > 0) service.spaceBefore = true;
  }
  for (const service of services.items) writeBriefly(service);
  yaml.commentBefore = [` From ${file}.`, ...(notes.length === 0 ? [] : ["", " Not carried over, or not as it stood:", ...notes.map((note) => `   ${printable(formatNote(note))}`)])].join("\n");
  return yaml.toString({ lineWidth: LINE_CHARACTERS });
}

/** Comments end with their line. */
const printable = (text: string): string => text.replace(/[\p{Cc}]/gu, " ");

/** Keys whose values are easier to read in one line. */
const BRIEF = ["tunnel", "schedulerFlags", "notifyUp", "notifyDown", "command", "status", "reply"];

function writeBriefly(node: unknown): void {
  for (const item of (node as YAMLMap | YAMLSeq).items ?? []) {
    const pair = item as Pair;
    if (pair.key !== undefined && BRIEF.includes(String(pair.key))) Object.assign(pair.value as object, { flow: true });
    const inner = pair.key === undefined ? item : pair.value;
    if (typeof inner === "object" && inner !== null && "items" in inner) writeBriefly(inner);
  }
}
