// The configuration's top level: what each block means, and the rules between blocks.

import type { ConfigPath } from "./error.js";
import type { Configuration, InterfaceSelection, VipAddress } from "../config.js";
import { readPrefix } from "./address.js";
import { readApi } from "./api.js";
import type { ReadContext } from "./context.js";
import { checkDuplicates, checkInterface } from "./context.js";
import type { Fields } from "./fields.js";
import { readFields, show } from "./fields.js";
import { AddressFields, InterfaceFields, SysctlKeys, DestinationTableFields, TableFields, TimeoutFields, TopFields } from "./schema.js";
import { checkGroups } from "./group.js";
import { readMarkRules } from "./marks.js";
import { readSyncDaemons } from "./sync.js";
import { runBy } from "./scripts.js";
import { readDefaults, readService } from "./service.js";
import type { Timeouts } from "../director.js";
import { formatServiceId } from "../names.js";
import type { SysctlName, Sysctls } from "../sysctls.js";
import { sysctlValue } from "../sysctls.js";

/** Complete only when no issue was noted. */
export function readConfiguration(value: unknown, context: ReadContext): Configuration {
  const { issues } = context;
  const top = readFields(TopFields, value, [], issues);
  const defaults = readDefaults(top.defaults, context);
  if (top.services === undefined) issues.missing(["services"], "list the virtual services under it");

  const services = (top.services ?? []).map((service, i) => readService(service, ["services", i], defaults, context));
  checkDuplicates(services.map(({ configured }) => configured && formatServiceId(configured.id)), ["services"],
    (name, first) => `${name} is services[${first}] already; put the destinations of both into one`, context);
  checkGroups(services.map(({ configured }) => configured), issues);
  const mode = top.mode ?? "auto";
  const vips = services.flatMap((service) => service.vip ?? []);
  return {
    services: services.flatMap(({ configured }) => configured === undefined ? [] : runBy(top.scriptUser, configured)),
    interfaces: readInterfaces(top.interfaces, mode, context),
    mode,
    addresses: joinAddresses([...readAddresses(top.addresses, context), ...vips], context),
    timeouts: readTimeouts(top.timeouts, context),
    ...readTableEntries(top, context),
    markRules: top.marks === undefined ? undefined : readMarkRules(top.marks, context),
    syncDaemons: top.sync === undefined ? undefined : readSyncDaemons(top.sync, services.map(({ configured }) => configured), context),
    sysctls: readSysctls(top.sysctl, context),
    api: readApi(top.api, context),
  };
}

function readInterfaces(
  list: readonly unknown[] | undefined, mode: Configuration["mode"], context: ReadContext,
): Configuration["interfaces"] {
  if (list === undefined) return "all";
  const selected: InterfaceSelection[] = [];
  for (const [i, entry] of list.entries()) {
    const path = ["interfaces", i];
    const fields: Fields<typeof InterfaceFields> = typeof entry === "string"
      ? { name: entry }
      : readFields(InterfaceFields, entry, path, context.issues);
    const { name } = fields;
    if (name === undefined) {
      context.issues.missing([...path, "name"], "give the interface's");
      continue;
    }
    const place = typeof entry === "string" ? path : [...path, "name"];
    checkInterface(name, place, context);
    if (selected.some((other) => other.name === name)) context.issues.add(place, `${show(name)} is listed twice; keep one`);
    selected.push({ name, mode: fields.mode ?? mode });
  }
  return selected;
}

interface PlacedVip extends VipAddress {
  readonly path: ConfigPath;
}

function readAddresses(list: readonly unknown[] | undefined, context: ReadContext): PlacedVip[] {
  return (list ?? []).flatMap((entry, i) => {
    const path = ["addresses", i];
    const fields = readFields(AddressFields, entry, path, context.issues);
    if (fields.vip === undefined) context.issues.missing([...path, "vip"], "give the address to put up");
    if (fields.interface === undefined) context.issues.missing([...path, "interface"], "name the interface to put it on");
    const vip = fields.vip === undefined ? undefined : readPrefix(fields.vip);
    if (fields.vip !== undefined && vip === undefined) {
      context.issues.add([...path, "vip"], `${show(fields.vip)} is not an address; give one such as 10.0.0.100 or 10.0.0.100/24`);
    }
    if (fields.interface !== undefined) checkInterface(fields.interface, [...path, "interface"], context);
    if (vip === undefined || fields.interface === undefined) return [];
    return [{ address: vip.address, prefixLength: vip.prefixLength, interface: fields.interface, path }];
  });
}

/** Several services may ask for one VIP: it is put up once. */
function joinAddresses(vips: readonly PlacedVip[], { issues }: ReadContext): VipAddress[] {
  const joined = new Map<string, PlacedVip>();
  for (const vip of vips) {
    const first = joined.get(vip.address);
    if (first === undefined) joined.set(vip.address, vip);
    else if (first.interface !== vip.interface) {
      issues.add(vip.path, `${vip.address} cannot be on ${vip.interface} and on ${first.interface}; name one interface for it`);
    }
  }
  return [...joined.values()].map(({ path: _path, ...vip }) => vip);
}

function readTimeouts(value: unknown, { issues }: ReadContext): Timeouts {
  const { tcp = 0, tcpFin = 0, udp = 0 } = readFields(TimeoutFields, value, ["timeouts"], issues);
  return { tcp, tcpFin, udp };
}

function readSysctls(value: unknown, { issues }: ReadContext): Partial<Sysctls> {
  const fields = readFields(SysctlKeys, value, ["sysctl"], issues);
  return Object.fromEntries(Object.entries(fields).map(([name, given]) => [name, sysctlValue(name as SysctlName, given)]));
}

function readTableEntries(top: Fields<typeof TopFields>, { issues }: ReadContext): Pick<Configuration, "tableEntries" | "tableEntriesIpv6" | "destinationEntries"> {
  const connections = readFields(TableFields, top.connectionTable, ["connectionTable"], issues);
  const destinations = readFields(DestinationTableFields, top.destinationTable, ["destinationTable"], issues);
  for (const [table, entries] of Object.entries({ connectionTable: connections, destinationTable: destinations })) {
    for (const [name, number] of Object.entries(entries)) {
      if (number === undefined || Number.isInteger(Math.log2(number))) continue;
      issues.add([table, name], `${number} is not a power of two; ${2 ** Math.ceil(Math.log2(number))} is the next`);
    }
  }
  return { tableEntries: connections.entries, tableEntriesIpv6: connections.entriesIpv6, destinationEntries: destinations.entries };
}
