// ldirectord.cf as weir.yaml: the virtual services with their checks and fallbacks. The language is that of ldirectord(8).

import type { Address, Family, Protocol } from "#model/director.js";
import { formatServiceId } from "#model/names.js";
import type { Imported, WrittenDestination, WrittenService } from "../document.js";
import { defined, shareSettings } from "../document.js";
import type { ImportNames } from "../names.js";
import { Report } from "../report.js";
import { bracketed, serviceOfPort, writeChecks } from "./checks.js";
import type { Entry, VirtualSection } from "./entries.js";
import { readEntries } from "./entries.js";
import type { Globals } from "./globals.js";
import { GLOBAL_KEYS } from "./globals.js";
import { Reading } from "./read.js";
import type { Real, Server } from "./real.js";
import { readFallback, readReal } from "./real.js";
import type { Options } from "./virtual.js";
import { readNetmask, readOptions } from "./virtual.js";

type Virtual =
  | { readonly kind: "fwmark"; readonly fwmark: number; readonly family: Family }
  | { readonly kind: "address"; readonly address: Address; readonly port: number; readonly protocol: Protocol; readonly family: Family };

/** Throws ConfigError with every mistake. */
export async function importLdirectord(text: string, file: string, names: ImportNames): Promise<Imported> {
  const report = new Report();
  const reading = new Reading(report, names);
  const { globals: entries, virtuals } = readEntries(text, file, report);
  const globals: Globals = {};
  reading.entries(entries, GLOBAL_KEYS, globals, "at the head of the file");

  const services: WrittenService[] = [];
  const origins: string[] = [];
  const seen = new Map<string, Entry>();
  for (const section of virtuals) {
    const options = readOptions(section, reading);
    const virtual = await readVirtual(section.virtual, options, reading);
    if (virtual === undefined) continue;
    checkTwin(virtual, section.virtual, seen, reading);
    services.push(await writeService(section, virtual, options, globals, reading));
    origins.push(`${file}:${section.virtual.line}: ${section.virtual.key}=${section.virtual.value}`);
  }
  report.throwIfAny(file);
  return { document: { services }, origins, notes: report.notes() };
}

/** A mark, or an address and a port, by number or name. */
async function readVirtual(entry: Entry, options: Options, reading: Reading): Promise<Virtual | undefined> {
  const family = entry.key === "virtual6" ? 6 : 4;
  const isMark = /^\d+$/.test(entry.value);
  const protocol = chooseProtocol(entry, isMark, options, reading);
  if (isMark) {
    const fwmark = reading.number(entry, "a firewall mark", 1, 2 ** 32 - 1);
    return fwmark === undefined ? undefined : { kind: "fwmark", fwmark, family };
  }
  const [, host, port] = /^(\[[^\]]*\]|[\w.+-]+):([\w-]+)$/.exec(entry.value) ?? [];
  if (host === undefined) return reading.wrong(entry, entry.value, "a service; write ADDRESS:PORT, or a firewall mark");
  const address = await reading.address(entry, host, family);
  const number = reading.port(entry, port!, protocol);
  return address === undefined || number === undefined ? undefined : { kind: "address", address, port: number, protocol, family };
}

function chooseProtocol(virtual: Entry, isMark: boolean, { protocol: entry }: Options, reading: Reading): Protocol {
  if (entry === undefined) return /:(?:53|domain)$/.test(virtual.value) ? "udp" : "tcp";
  const name = reading.oneOf(entry, isMark ? ["fwm"] : ["tcp", "udp"]);
  return name === "udp" ? "udp" : "tcp";
}

function checkTwin(virtual: Virtual, entry: Entry, seen: Map<string, Entry>, { report }: Reading): void {
  const name = formatServiceId(virtual);
  const first = seen.get(name);
  if (first === undefined) seen.set(name, entry);
  else report.mistake(entry, `${name} is a service of line ${first.line} already; put the real servers of both into one`);
}

async function writeService(section: VirtualSection, virtual: Virtual, options: Options, globals: Globals, reading: Reading): Promise<WrittenService> {
  const protocol = virtual.kind === "address" ? virtual.protocol : "tcp";
  const reals: Real[] = [];
  for (const entry of options.reals) {
    if (entry.key.endsWith("6") === (virtual.family === 6)) reals.push(...await readReal(entry, virtual.family, protocol, reading));
    else reading.report.mistake(entry, `${entry.key} is for virtual${virtual.family === 6 ? "" : "6"}; write real${virtual.family === 6 ? "6" : ""}`);
  }
  const netmask = section.entries.findLast(({ key }) => key === "netmask");
  const mask = netmask && readNetmask(netmask, virtual.family, reading);
  noteIgnored(options, globals, virtual, netmask, reading);
  const sorryServer = await writeFallback(section.virtual, virtual, options, globals, reading);
  checkTwins(reals, virtual, reading);
  const destinations = options.checkType === "off" ? [] : reals.map((real) => writeDestination(real, virtual, section, options, globals, reading));
  const command = options.fallbackCommand ?? globals.fallbackCommand;
  return shareSettings(defined({
    ...(virtual.kind === "fwmark"
      ? { fwmark: virtual.fwmark, family: virtual.family === 6 ? 6 as const : undefined }
      : { protocol: virtual.protocol, address: virtual.address, port: virtual.port }),
    scheduler: options.scheduler,
    schedulerFlags: options.schedulerFlags.length === 0 ? undefined : options.schedulerFlags,
    persistent: options.persistent,
    netmask: options.persistent === undefined ? undefined : mask,
    onePacket: options.onePacket !== undefined && protocol === "udp" ? true : undefined,
    quorum: command === undefined ? undefined : { notifyUp: fallbackCommand(command, "stop", virtual), notifyDown: fallbackCommand(command, "start", virtual) },
    sorryServer,
    destinations,
  }));
}

/** do_fallback_command(): a service by mark has no address there. */
function fallbackCommand(command: readonly string[], state: "start" | "stop", virtual: Virtual): readonly string[] {
  return [...command, state, ...(virtual.kind === "fwmark" ? [":0", "fwm"] : [`${bracketed(virtual.address)}:${virtual.port}`, virtual.protocol])];
}

function noteIgnored(options: Options, globals: Globals, virtual: Virtual, netmask: Entry | undefined, { report }: Reading): void {
  const { checkIntervalEntry, onePacket, persistent, checkType, checkTypeEntry } = options;
  if (checkIntervalEntry !== undefined && globals.fork !== true) report.note(checkIntervalEntry, `checkinterval=${checkIntervalEntry.value}`, "left out; without fork=yes ldirectord takes that of the head of the file too");
  if (onePacket !== undefined && !(virtual.kind === "address" && virtual.protocol === "udp")) report.note(onePacket, "ops=yes", "left out; ldirectord has it for UDP alone");
  if (netmask !== undefined && persistent === undefined) report.note(netmask, `netmask=${netmask.value}`, "left out; the service is not persistent, and ldirectord leaves it out too");
  if (checkType === "off") report.note(checkTypeEntry!, "checktype=off", "the service has no destinations and no sorry server: ldirectord adds none");
}

/** What packets reach at the same place is one server: ipvsadm refuses the second. */
function checkTwins(reals: readonly Real[], virtual: Virtual, { report }: Reading): void {
  const own = virtual.kind === "address" ? virtual.port : 0;
  const seen = new Set<string>();
  for (const { entry, address, port, method } of reals) {
    const name = `${bracketed(address)}:${method === "nat" && port > 0 ? port : own}`;
    if (seen.has(name)) report.mistake(entry, `${entry.key}: the service has the server ${name} already; take one away`);
    seen.add(name);
  }
}

function writeDestination(real: Real, virtual: Virtual, section: VirtualSection, options: Options, globals: Globals, reading: Reading): WrittenDestination {
  const port = choosePort(real, virtual, reading);
  const own = virtual.kind === "address" ? virtual.port : 0;
  const service = options.service?.name ?? (virtual.kind === "fwmark" ? "none" : serviceOfPort(own));
  const checks = writeChecks({
    real, service, port: port ?? own, virtualName: virtual.kind === "fwmark" ? String(virtual.fwmark) : bracketed(virtual.address), virtualPort: own,
    isUdp: virtual.kind === "address" && virtual.protocol === "udp", place: options.service?.entry ?? options.checkTypeEntry ?? section.virtual,
  }, options, globals, reading);
  const isQuiescent = options.quiescent ?? globals.quiescent ?? true;
  return defined({
    address: real.address, port, method: real.method, weight: real.weight === 1 ? undefined : real.weight,
    upperThreshold: real.upperThreshold || undefined, lowerThreshold: real.lowerThreshold || undefined,
    // ld_start(): what the director does not have yet is down until it was asked.
    ...(checks.length === 0 ? {} : { checks, onFailure: isQuiescent ? "quiesce" as const : undefined, startsDown: true }),
  });
}

async function writeFallback(place: Entry, virtual: Virtual, options: Options, globals: Globals, reading: Reading): Promise<WrittenService["sorryServer"]> {
  const key = virtual.family === 6 ? "fallback6" : "fallback";
  const other = virtual.family === 6 ? options.fallback : options.fallback6;
  if (other !== undefined) reading.report.mistake(other, `${other.key} is for virtual${virtual.family === 6 ? "" : "6"}; write ${key}`);
  const entry = options[key] ?? globals[key];
  if (entry === undefined || options.checkType === "off") return undefined;
  if (options[key] === undefined && virtual.kind === "fwmark") {
    reading.report.note(place, `${place.key}=${place.value}`, `goes without ${key}=${entry.value}; ldirectord has it at the head of the file for tcp and udp alone`);
    return undefined;
  }
  const server = await readFallback(entry, virtual.family, virtual.kind === "address" ? virtual.protocol : "tcp", reading);
  return server && defined({ address: server.address, port: choosePort(server, virtual, reading), method: server.method });
}

/** By DR and TUN a server's port is the service's; undefined: that. */
function choosePort({ entry, port, method }: Server, virtual: Virtual, { report }: Reading): number | undefined {
  const own = virtual.kind === "address" ? virtual.port : 0;
  if (port === 0 || port === own) return undefined;
  if (method === "nat") return port;
  report.note(entry, `${entry.key}=${entry.value}`, `its port becomes the service's, ${own === 0 ? "which is every port" : own}: ${method === "dr" ? "gate" : "ipip"} cannot change ports, and ipvsadm sets it so too`);
  return undefined;
}
