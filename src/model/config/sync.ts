// The block `sync` of weir.yaml: daemons that tell other directors of connections, or take what they tell (docs/synchronisation.md). What is
// right is what ipvsadm --start-daemon takes: ipvsadm 1.31 ipvsadm.c, process_options(); Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c,
// ip_vs_genl_new_daemon().

import { addressFamily } from "../address.js";
import { familyOf, readAddress } from "./address.js";
import type { ReadContext } from "./context.js";
import { checkDuplicates, checkInterface } from "./context.js";
import type { ConfigPath } from "./error.js";
import { readFields, show } from "./fields.js";
import { SyncFields } from "./schema.js";
import type { Address, ServiceWithDestinations, SyncDaemonRequest } from "../director.js";
import { formatServiceId } from "../names.js";
import { isSyncGroup } from "../sync-daemon.js";

export function readSyncDaemons(list: readonly unknown[], services: readonly (ServiceWithDestinations | undefined)[], context: ReadContext): readonly SyncDaemonRequest[] {
  const daemons = list.map((entry, i) => readSyncDaemon(entry, ["sync", i], context));
  checkDuplicates(daemons.map((daemon) => daemon?.role), ["sync"], (role, first) => `there is a ${role} in sync[${first}] already; a director has one of each role`, context);
  if (list.length > 0) checkFamilies(services, context);
  return daemons.flatMap((daemon) => daemon ?? []);
}

function readSyncDaemon(entry: unknown, path: ConfigPath, context: ReadContext): SyncDaemonRequest | undefined {
  const { role, interface: name, syncId = 0, lengthMax, group, port, ttl } = readFields(SyncFields, entry, path, context.issues);
  if (role === undefined) context.issues.missing([...path, "role"], "say whether it tells others, master, or takes what they tell, backup");
  if (name === undefined) context.issues.missing([...path, "interface"], "name the interface by which messages come and go");
  else checkInterface(name, [...path, "interface"], context);
  const address = group === undefined ? undefined : readGroup(group, [...path, "group"], context);
  if (role === undefined || name === undefined) return undefined;
  return Object.fromEntries(Object.entries({ role, interface: name, syncId, lengthMax, group: address, port, ttl }).filter(([, value]) => value !== undefined)) as unknown as SyncDaemonRequest;
}

function readGroup(text: string, path: ConfigPath, { issues }: ReadContext): Address | undefined {
  const address = readAddress(text)?.address;
  if (address !== undefined && isSyncGroup(address)) return address;
  issues.add(path, `${show(text)} is no multicast address; give one such as 224.0.0.81 or ff02::81`);
  return undefined;
}

/** ip_vs_genl_new_daemon(): messages cannot describe a server of the other family. */
function checkFamilies(services: readonly (ServiceWithDestinations | undefined)[], { issues }: ReadContext): void {
  for (const [i, service] of services.entries()) {
    for (const [j, { address }] of (service?.destinations ?? []).entries()) {
      if (addressFamily(address) === familyOf(service!.id)) continue;
      issues.add(["services", i, "destinations", j, "address"], `${address} is of another address family than ${formatServiceId(service!.id)}, which a sync daemon cannot tell others; leave sync out, or this server`);
    }
  }
}
