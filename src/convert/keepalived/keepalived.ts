// keepalived.conf as weir.yaml: the virtual servers with their checks. What weir leaves to keepalived is said, line by line.
// The language is that of keepalived 2.2.7, as keepalived.conf(5) has it.

import type { Imported, WrittenService } from "../document.js";
import { Report } from "../report.js";
import type { Globals } from "./global.js";
import { GLOBAL_KEYWORDS } from "./global.js";
import type { Virtual } from "./group.js";
import { readGroup } from "./group.js";
import type { KeepalivedSources } from "./lines.js";
import { readLines } from "./lines.js";
import type { Fate, Keyword, Keywords } from "./read.js";
import { left, Reading } from "./read.js";
import { familyOf, writeServices } from "./services.js";
import { writeSyncDaemons } from "./sync-daemon.js";
import type { Directive } from "./tree.js";
import { describe, readTree } from "./tree.js";
import { SCRIPT_USER } from "./user.js";
import type { VirtualServer } from "./virtual-server.js";
import { nameOf, readVirtualServer } from "./virtual-server.js";

export interface KeepalivedImport extends Imported {
  /** Every directive, those of blocks that are left out too. */
  readonly fates: readonly Fate[];
}

interface Top {
  readonly globals: Globals;
  readonly groups: Map<string, Directive>;
  readonly servers: Directive[];
}

const VRRP = "left to keepalived; weir does no VRRP, so run keepalived with this block for the VIPs";
const ADDRESSES = "left to keepalived or the system's network configuration";
const TRACKING = "left to keepalived; only VRRP and what weir leaves out refer to it";
const SSL = "left out; weir's https checks have no certificate of their own, and verify none unless told to";
const PROCESS = "left out; it is about keepalived's own processes";

const lefts = (why: string, ...names: readonly string[]): [string, Keyword<unknown>][] => names.map((name) => [name, left(why)]);

export const TOP_KEYWORDS: Keywords<Top> = {
  global_defs: { words: 0, block: "needed", becomes: "see below", read: (directive, { globals }, reading) => reading.block(directive.block ?? [], GLOBAL_KEYWORDS, globals, "global_defs") },
  virtual_server_group: {
    words: 1, block: "needed", becomes: "a service for each of its addresses and marks",
    read: (directive, { groups }, reading) => {
      const name = reading.word(directive, "a name");
      if (name !== undefined && groups.has(name)) reading.report.mistake(directive, `there is a virtual_server_group ${name} already; put the entries of both into one`);
      else if (name !== undefined) groups.set(name, directive);
    },
  },
  virtual_server: { words: 2, block: "needed", becomes: "a service", read: (directive, { servers }) => { servers.push(directive); } },
  ...Object.fromEntries([
    ...lefts(VRRP, "vrrp_instance", "vrrp_sync_group", "vrrp_script", "vrrp_track_process", "vrrp_track_file", "garp_group"),
    ...lefts(ADDRESSES, "static_ipaddress", "static_routes", "static_rules", "linkbeat_interfaces", "interface_up_down_delays"),
    ...lefts(TRACKING, "track_group", "track_file", "bfd_instance"),
    ...lefts(SSL, "SSL"),
    ...lefts(PROCESS, "net_namespace", "net_namespace_ipvs", "namespace_with_ipsets", "instance", "use_pid_dir", "linkbeat_use_polling", "child_wait_time", "include_check"),
  ]),
};

/** Throws ConfigError with every mistake. */
export function importKeepalived(text: string, sources: KeepalivedSources): KeepalivedImport {
  const report = new Report();
  const reading = new Reading(report);
  const top: Top = { globals: { timeouts: {}, scriptUser: undefined, sync: undefined }, groups: new Map(), servers: [] };
  const tree = readTree(readLines(text, sources, report), report);
  reading.block(tree, TOP_KEYWORDS, top, "keepalived.conf");
  // Groups count wherever they stand.
  const groups = readGroups(top, reading);
  const servers = top.servers.flatMap((directive) => readVirtualServer(directive, groups, reading) ?? []);
  checkTwins(servers, report);

  const services: WrittenService[] = [];
  const origins: string[] = [];
  for (const server of servers) {
    const written = writeServices(server, nameGroup(server, servers), reading);
    services.push(...written);
    origins.push(...written.map(() => `${server.file}:${server.line}: ${describe(server.directive)}`));
  }
  const { timeouts, sync: told } = top.globals;
  const sync = told === undefined ? [] : writeSyncDaemons(told, tree, services, reading);
  report.throwIfAny(sources.file);
  const scriptUser = top.globals.scriptUser ?? (services.some(runsScripts) && sources.hasUser(SCRIPT_USER) ? SCRIPT_USER : undefined);
  return { document: { ...(scriptUser !== undefined && { scriptUser }), ...(Object.keys(timeouts).length > 0 ? { timeouts } : {}), ...(sync.length > 0 ? { sync } : {}), services }, origins, notes: report.notes(), fates: reading.fates };
}

function readGroups({ groups, servers }: Top, reading: Reading): ReadonlyMap<string, readonly Virtual[]> {
  const wanted = new Set(servers.filter(({ values }) => values[0] === "group").map(({ values }) => values[1]));
  return new Map([...groups].map(([name, directive]) => {
    const entries = readGroup(directive, reading);
    if (!wanted.has(name)) reading.leave(directive, "left out; no virtual_server is of this group");
    return [name, entries];
  }));
}

const runsScripts = ({ quorum, checks = [], destinations }: WrittenService): boolean =>
  [...checks, ...destinations.flatMap((destination) => destination.checks ?? [])].some(({ type }) => type === "script")
  || [quorum, ...destinations].some((told) => (told?.notifyUp ?? told?.notifyDown) !== undefined);

/** virtual_servers of one group are watched each by itself. */
function nameGroup({ directive: { values: [, name = ""] }, protocol }: VirtualServer, servers: readonly VirtualServer[]): string {
  const sharing = servers.filter(({ directive: { values } }) => values[0] === "group" && values[1] === name);
  return sharing.length > 1 ? `${name} ${protocol}` : name;
}

function checkTwins(servers: readonly VirtualServer[], report: Report): void {
  const seen = new Map<string, VirtualServer>();
  for (const server of servers) {
    for (const virtual of server.virtuals) {
      const name = nameOf({ ...virtual, family: familyOf(virtual, server) }, server.protocol);
      const first = seen.get(name);
      if (first === undefined) seen.set(name, server);
      else report.mistake(virtual, `${name} is a service of ${describe(first.directive)} in line ${first.line} already; put the real servers of both into one`);
    }
  }
}
