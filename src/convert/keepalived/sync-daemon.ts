// lvs_sync_daemon of global_defs: keepalived runs the backup while its VRRP instance stands by, and the master while it does not. weir does no VRRP, and
// has no need to change: of a director that is both, each tells what begins at it. keepalived 2.2.7, keepalived/core/global_parser.c,
// lvs_syncd_handler(); keepalived/vrrp/vrrp.c, vrrp_complete_init().

import { addressFamily } from "#model/address.js";
import { remedy, show } from "#model/config/fields.js";
import type { Address } from "#model/director.js";
import { SYNC_LENGTH_MAX, isSyncGroup } from "#model/sync-daemon.js";
import type { WrittenService, WrittenSyncDaemon } from "../document.js";
import { defined } from "../document.js";
import type { Reading } from "./read.js";
import type { Directive } from "./tree.js";
import { describe } from "./tree.js";

export interface SyncDirective {
  readonly directive: Directive;
  readonly interface: string;
  readonly instance: string;
  readonly settings: { syncId?: number; lengthMax?: number; port?: number; ttl?: number; group?: string };
}

const VIRTUAL_ROUTER_MAX = 255;
const NUMBERS = {
  id: ["syncId", "a number", 0, 255], maxlen: ["lengthMax", "a number of bytes", 1, SYNC_LENGTH_MAX], port: ["port", "a port", 1, 65535], ttl: ["ttl", "a number of hops", 1, 255],
} as const;

/** lvs_sync_daemon INTERFACE INSTANCE [[id] ID] [maxlen BYTES] [port PORT] [ttl HOPS] [group ADDRESS] */
export function readSyncDirective(directive: Directive, reading: Reading): SyncDirective | undefined {
  const name = reading.word(directive, "the name of an interface");
  const instance = name === undefined ? undefined : reading.word(directive, "the name of a vrrp_instance", 1);
  if (name === undefined || instance === undefined) return undefined;
  const settings: SyncDirective["settings"] = {};
  const hasBareId = /^\d/.test(directive.values[2] ?? "");
  if (hasBareId) settings.syncId = reading.number(directive, "a number", 0, 255, 2);
  for (let i = hasBareId ? 3 : 2; i < directive.values.length; i += 2) {
    const word = directive.values[i]!;
    if (word === "group") settings.group = readGroup(directive, reading, i + 1);
    else if (Object.hasOwn(NUMBERS, word)) {
      const [key, unit, min, max] = NUMBERS[word as keyof typeof NUMBERS];
      settings[key] = reading.number(directive, unit, min, max, i + 1);
    } else {
      reading.report.mistake(directive, `lvs_sync_daemon: ${show(word)} is not known; ${remedy(word, [...Object.keys(NUMBERS), "group"])}`);
      return undefined;
    }
  }
  return { directive, interface: name, instance, settings };
}

function readGroup(directive: Directive, reading: Reading, index: number): Address | undefined {
  const group = reading.address(directive, index);
  return group === undefined || isSyncGroup(group) ? group : reading.wrong(directive, group, "a multicast address; give one such as 224.0.0.81 or ff02::81");
}

/** ip_vs_genl_new_daemon(), ip_vs_add_dest(): not beside a sync daemon. */
function isMixed({ address, family = address === undefined ? 4 : addressFamily(address), destinations, sorryServer }: WrittenService): boolean {
  return [...destinations, ...(sorryServer ? [sorryServer] : [])].some((server) => addressFamily(server.address) !== family);
}

/** `tree`: the whole file, whose vrrp_instance says the id that is not told. `services`: all that become of it. */
export function writeSyncDaemons(
  { directive, interface: name, instance, settings }: SyncDirective, tree: readonly Directive[], services: readonly WrittenService[], { report }: Reading,
): readonly WrittenSyncDaemon[] {
  const owner = tree.find(({ keyword, values }) => keyword === "vrrp_instance" && values[0] === instance);
  if (owner === undefined) {
    report.note(directive, describe(directive), `left out; there is no vrrp_instance ${instance}, without which keepalived starts no daemon`);
    return [];
  }
  if (services.some(isMixed)) {
    report.note(directive, describe(directive), "left out; a virtual_server has servers of the other address family, which messages cannot describe: IPVS refuses the one or the other");
    return [];
  }
  report.note(directive, describe(directive), "becomes a master and a backup that both run, whatever VRRP says; take it out of keepalived's file, which would start IPVS's own");
  // RFC 5798 section 5.2.3: from 1 to 255. keepalived takes no other either.
  const virtualRouter = Number(owner.block?.findLast(({ keyword }) => keyword === "virtual_router_id")?.values[0]);
  const { syncId = Number.isInteger(virtualRouter) && virtualRouter >= 1 && virtualRouter <= VIRTUAL_ROUTER_MAX ? virtualRouter : 0 } = settings;
  return (["master", "backup"] as const).map((role) => defined({ role, interface: name, ...settings, syncId: syncId || undefined }));
}
