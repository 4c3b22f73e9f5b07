// virtual_server: one service, or with a group one for each of its addresses and marks.

import { parseAddress, formatAddress } from "#model/address.js";
import { PERSISTENT_SECONDS_MAX, SCHEDULERS, WEIGHT_MAX } from "#model/config/schema.js";
import { remedy, show } from "#model/config/fields.js";
import type { Address, Protocol } from "#model/director.js";
import { formatServiceId } from "#model/names.js";
import type { WrittenCommand, WrittenForwarding } from "../document.js";
import type { Place } from "../report.js";
import { METHOD_WORDS, readForwarding } from "./forwarding.js";
import type { Virtual } from "./group.js";
import { FWMARK_MAX } from "./group.js";
import type { Keyword, Keywords, Reading } from "./read.js";
import { left } from "./read.js";
import type { RealServer } from "./real-server.js";
import { readNotification, readRealServer, readServerAddress } from "./real-server.js";
import type { Timing } from "./timing.js";
import { timingKeywords } from "./timing.js";
import type { Directive } from "./tree.js";
import { describe } from "./tree.js";

export interface SorryServer extends Place {
  readonly directive: Directive;
  readonly address: Address;
  readonly port: number | undefined;
}

/** A virtual_server as it stands, its defaults filled in. */
export interface VirtualServer extends Place {
  readonly directive: Directive;
  readonly virtuals: readonly Virtual[];
  readonly protocol: Protocol;
  readonly scheduler: string;
  readonly schedulerFlags: readonly string[];
  readonly persistent: number | undefined;
  readonly netmask: string | undefined;
  readonly persistenceEngine: string | undefined;
  readonly onePacket: boolean;
  readonly ipFamily: 4 | 6 | undefined;
  readonly quorum: { readonly weight: number; readonly hysteresis: number; readonly notifyUp: WrittenCommand | undefined; readonly notifyDown: WrittenCommand | undefined };
  readonly sorryServer: SorryServer | undefined;
  readonly sorryForwarding: WrittenForwarding;
  readonly sorryQuiesced: boolean;
  readonly realServers: readonly RealServer[];
}

interface Options extends Timing {
  protocol?: Protocol | undefined;
  scheduler?: string | undefined;
  readonly flags: { readonly directive: Directive; readonly name: string }[];
  forwarding?: WrittenForwarding | undefined;
  persistent?: number | undefined;
  netmask?: string | undefined;
  engine?: string | undefined;
  onePacket?: Directive | undefined;
  ipFamily?: 4 | 6 | undefined;
  virtualhost?: string | undefined;
  alpha: boolean;
  inhibit: boolean;
  weight?: number | undefined;
  quorum: number;
  hysteresis: number;
  quorumUp?: WrittenCommand | undefined;
  quorumDown?: WrittenCommand | undefined;
  sorryServer?: Directive | undefined;
  sorryForwarding?: WrittenForwarding | undefined;
  sorryQuiesced: boolean;
  readonly realServers: Directive[];
}

/** ip_vs.h, IPVS_SVC_PERSISTENT_TIMEOUT. */
const PERSISTENT_SECONDS = 360;
/** keepalived/check/check_data.c, IPVS_DEF_SCHED. */
const SCHEDULER = "wlc";
const PROTOCOLS: { readonly [name: string]: Protocol } = { TCP: "tcp", UDP: "udp", SCTP: "sctp" };

const scheduler: Keyword<Options> = { words: 1, becomes: "`scheduler`", read: (directive, options, reading) => { options.scheduler = reading.oneOf(directive, SCHEDULERS); } };
const forwarding: Keyword<Options> = { words: METHOD_WORDS, becomes: "`method`, `tunnel`", read: (directive, options, reading) => { options.forwarding = readForwarding(directive, reading); } };
const flag: Keyword<Options> = { words: 0, becomes: "one of `schedulerFlags`", read: (directive, options) => { options.flags.push({ directive, name: directive.keyword }); } };

export const VIRTUAL_SERVER_KEYWORDS: Keywords<Options> = {
  protocol: { words: 1, becomes: "`protocol`", read: readProtocol },
  lvs_sched: scheduler,
  lb_algo: scheduler,
  "flag-1": flag, "flag-2": flag, "flag-3": flag, "sh-port": flag, "sh-fallback": flag, "mh-port": flag, "mh-fallback": flag,
  ops: { words: 0, becomes: "`onePacket`", read: (directive, options) => { options.onePacket = directive; } },
  lvs_method: forwarding,
  lb_kind: forwarding,
  persistence_engine: { words: 1, becomes: "`persistenceEngine`", read: (directive, options, reading) => { options.engine = reading.oneOf(directive, ["sip"]); } },
  persistence_timeout: { words: 1, becomes: "`persistent`", read: readPersistence },
  persistence_granularity: { words: 1, becomes: "`netmask`", read: readGranularity },
  ip_family: { words: 1, becomes: "`family` of a service by `fwmark`", read: (directive, options, reading) => { options.ipFamily = { inet: 4 as const, inet6: 6 as const }[reading.oneOf(directive, ["inet", "inet6"]) ?? "inet"]; } },
  virtualhost: { words: 1, becomes: "`host` of its http and https checks", read: (directive, options, reading) => { options.virtualhost = reading.word(directive, "the name of a host"); } },
  alpha: { words: 0, becomes: "`startsDown`", read: (_directive, options) => { options.alpha = true; } },
  inhibit_on_failure: { words: 0, becomes: "`onFailure: quiesce`", read: (_directive, options) => { options.inhibit = true; } },
  weight: { words: 1, becomes: "`weight` of destinations that say none", read: (directive, options, reading) => { options.weight = reading.number(directive, "a whole number", 0, WEIGHT_MAX); } },
  quorum: { words: 1, becomes: "`weight` of `quorum`", read: (directive, options, reading) => { options.quorum = reading.number(directive, "a whole number", 1, WEIGHT_MAX) ?? 1; } },
  hysteresis: { words: 1, becomes: "`hysteresis` of `quorum`", read: (directive, options, reading) => { options.hysteresis = reading.number(directive, "a whole number", 0, WEIGHT_MAX) ?? 0; } },
  quorum_up: { words: 3, becomes: "`notifyUp` of `quorum`", read: (directive, options, reading) => { options.quorumUp = readNotification(directive, reading) ?? options.quorumUp; } },
  quorum_down: { words: 3, becomes: "`notifyDown` of `quorum`", read: (directive, options, reading) => { options.quorumDown = readNotification(directive, reading) ?? options.quorumDown; } },
  sorry_server: { words: 2, becomes: "`sorryServer`", read: (directive, options) => { options.sorryServer = directive; } },
  sorry_server_inhibit: { words: 0, becomes: "`quiesced` of `sorryServer`", read: (_directive, options) => { options.sorryQuiesced = true; } },
  sorry_server_lvs_method: { words: METHOD_WORDS, becomes: "`method`, `tunnel` of `sorryServer`", read: (directive, options, reading) => { options.sorryForwarding = readForwarding(directive, reading); } },
  real_server: { words: 2, block: "needed", becomes: "one of `destinations`", read: (directive, options) => { options.realServers.push(directive); } },
  ...timingKeywords(1),
  omega: left("left out; weir runs no scripts when it ends, and forwarding goes on"),
  ha_suspend: left("left out; weir checks servers whether the VIP is here or not"),
  hashed: left("left out; the kernel sets it by itself"),
  smtp_alert: left("left out; weir sends no mail: notifyUp and notifyDown can call what does"),
  snmp_name: left("left out; weir has no SNMP"),
};

export function readVirtualServer(directive: Directive, groups: ReadonlyMap<string, readonly Virtual[]>, reading: Reading): VirtualServer | undefined {
  const options: Options = { flags: [], alpha: false, inhibit: false, quorum: 1, hysteresis: 0, sorryQuiesced: false, realServers: [] };
  reading.block(directive.block ?? [], VIRTUAL_SERVER_KEYWORDS, options, "a virtual_server");
  const virtuals = readVirtuals(directive, groups, reading);
  const method = options.forwarding ?? { method: "nat" as const };
  const defaults = { timing: options, forwarding: method, weight: options.weight ?? 1, virtualhost: options.virtualhost, alpha: options.alpha, inhibit: options.inhibit };
  const realServers = options.realServers.flatMap((inner) => readRealServer(inner, defaults, reading) ?? []);
  const sorryServer = options.sorryServer && readSorryServer(options.sorryServer, reading);
  if (virtuals === undefined) return undefined;
  if (options.realServers.length === 0) {
    reading.report.note(directive, describe(directive), "left out; it has no real servers, and keepalived ignores it too");
    return undefined;
  }
  const { file, line, column } = directive;
  const chosen = options.scheduler ?? SCHEDULER;
  return {
    file, line, column, directive, virtuals, realServers, sorryServer,
    protocol: chooseProtocol(directive, options, virtuals, reading),
    scheduler: chosen,
    schedulerFlags: options.flags.flatMap((one) => checkFlag(one, chosen, reading)),
    persistent: choosePersistence(directive, options, virtuals, reading),
    netmask: options.netmask,
    persistenceEngine: options.engine,
    onePacket: chooseOnePacket(options, virtuals, reading),
    ipFamily: options.ipFamily,
    quorum: chooseQuorum(directive, options, realServers, reading),
    sorryForwarding: options.sorryForwarding ?? method,
    sorryQuiesced: options.sorryQuiesced,
  };
}

/** "IP [PORT]", "fwmark N", "group NAME"; undefined when it is none. */
function readVirtuals(directive: Directive, groups: ReadonlyMap<string, readonly Virtual[]>, reading: Reading): readonly Virtual[] | undefined {
  const [first = "", second] = directive.values;
  const { file, line, column } = directive;
  const place = { file, line, column };
  if (first === "fwmark") {
    const fwmark = reading.number(directive, "a firewall mark", 1, FWMARK_MAX, 1);
    return fwmark === undefined ? undefined : [{ ...place, kind: "fwmark", fwmark, family: undefined }];
  }
  if (first === "group") return readGroupName(directive, second, groups, reading);
  const parsed = parseAddress(first);
  if (parsed === undefined) {
    reading.report.mistake(directive, `${show(describe(directive))} names no service; write virtual_server 10.0.0.1 80, virtual_server fwmark 1 or virtual_server group NAME`);
    return undefined;
  }
  const port = second === undefined ? 0 : reading.number(directive, "a port", 1, 65535, 1);
  return port === undefined ? undefined : [{ ...place, kind: "address", address: formatAddress(parsed), family: parsed.family, port }];
}

function readGroupName(directive: Directive, name: string | undefined, groups: ReadonlyMap<string, readonly Virtual[]>, reading: Reading): readonly Virtual[] | undefined {
  const group = name === undefined ? undefined : groups.get(name);
  if (group !== undefined) return group;
  const hint = groups.size === 0 ? "there is no virtual_server_group" : remedy(name ?? "", [...groups.keys()]);
  reading.report.mistake(directive, name === undefined ? `virtual_server group has no name; ${hint}` : `there is no virtual_server_group ${show(name)}; ${hint}`);
  return undefined;
}

function readSorryServer(directive: Directive, reading: Reading): SorryServer | undefined {
  const address = readServerAddress(directive, reading);
  const port = directive.values[1] === undefined ? undefined : reading.number(directive, "a port", 1, 65535, 1);
  const { file, line, column } = directive;
  return address === undefined ? undefined : { file, line, column, directive, address, port };
}

function readProtocol(directive: Directive, options: Options, reading: Reading): void {
  const name = reading.word(directive, "TCP, UDP or SCTP");
  if (name === undefined) return;
  const protocol = PROTOCOLS[name.toUpperCase()];
  if (protocol === undefined) reading.report.mistake(directive, `protocol: ${show(name)} is not known; ${remedy(name.toUpperCase(), Object.keys(PROTOCOLS))}`);
  options.protocol = protocol;
}

function readPersistence(directive: Directive, options: Options, reading: Reading): void {
  options.persistent = directive.values.length === 0 ? PERSISTENT_SECONDS : reading.number(directive, "a number of seconds", 1, PERSISTENT_SECONDS_MAX);
}

/** An IPv4 mask or an IPv6 prefix length; it makes a service persistent by itself. */
function readGranularity(directive: Directive, options: Options, reading: Reading): void {
  const word = reading.word(directive, "a mask such as 255.255.255.0, or a prefix length of IPv6");
  if (word === undefined) return;
  const isLength = /^\d{1,3}$/.test(word) && Number(word) >= 1 && Number(word) <= 128;
  if (!isLength && !isMask(word)) return reading.wrong(directive, word, "a mask such as 255.255.255.0, or a prefix length of IPv6 from 1 to 128");
  options.netmask = word;
  options.persistent ??= PERSISTENT_SECONDS;
}

/** Ones, then zeros. */
function isMask(text: string): boolean {
  const parsed = parseAddress(text);
  return parsed?.family === 4 && parsed.words[0] !== 0 && /^1+0*$/.test(parsed.words[0].toString(2).padStart(32, "0"));
}

function chooseProtocol(directive: Directive, { protocol }: Options, virtuals: readonly Virtual[], { report }: Reading): Protocol {
  if (protocol === undefined && virtuals.some(({ kind }) => kind === "address")) {
    report.note(directive, describe(directive), "has no protocol; keepalived takes UDP then, and so does weir: write protocol TCP if that is meant");
  }
  return protocol ?? "udp";
}

function choosePersistence(directive: Directive, { persistent }: Options, virtuals: readonly Virtual[], { report }: Reading): number | undefined {
  if (persistent !== undefined || !virtuals.some((virtual) => virtual.kind === "address" && virtual.port === 0)) return persistent;
  report.note(directive, describe(directive), `has no port, so it is persistent, for ${PERSISTENT_SECONDS} seconds, as keepalived makes it`);
  return PERSISTENT_SECONDS;
}

function chooseOnePacket({ onePacket, protocol = "udp" }: Options, virtuals: readonly Virtual[], { report }: Reading): boolean {
  if (onePacket === undefined) return false;
  const possible = protocol === "udp" || virtuals.every(({ kind }) => kind === "fwmark");
  if (!possible) report.note(onePacket, "ops", "left out; only UDP has it, and keepalived resets it too");
  return possible;
}

/** sh-port is of the scheduler sh; keepalived ignores it at another. */
function checkFlag({ directive, name }: Options["flags"][number], scheduler: string, { report }: Reading): readonly string[] {
  const owner = name.slice(0, name.indexOf("-"));
  if (owner === "flag" || owner === scheduler) return [name];
  report.note(directive, name, `left out; it is of the scheduler ${owner}, and this service's is ${scheduler}: keepalived ignores it too`);
  return [];
}

/** keepalived/check/check_data.c, validate_check_config(): a quorum that all servers together do not reach is lowered. */
function chooseQuorum(directive: Directive, options: Options, servers: readonly RealServer[], { report }: Reading): VirtualServer["quorum"] {
  const total = servers.reduce((sum, server) => sum + server.weight, 0);
  const weight = Math.max(Math.min(options.quorum, total), 1);
  const hysteresis = Math.min(options.hysteresis, weight - 1);
  if (weight !== options.quorum) report.note(directive, describe(directive), `its quorum ${options.quorum} is above the weight of all its real servers, ${total}; it becomes ${weight}, as in keepalived`);
  if (hysteresis !== options.hysteresis) report.note(directive, describe(directive), `its hysteresis ${options.hysteresis} is not below the quorum ${weight}; it becomes ${hysteresis}, as in keepalived`);
  return { weight, hysteresis, notifyUp: options.quorumUp, notifyDown: options.quorumDown };
}

/** "tcp 10.0.0.100:80", as messages name it. */
export function nameOf(virtual: Virtual, protocol: Protocol): string {
  return formatServiceId(virtual.kind === "fwmark" ? { kind: "fwmark", fwmark: virtual.fwmark, family: virtual.family ?? 4 } : { kind: "address", protocol, address: virtual.address, port: virtual.port });
}
