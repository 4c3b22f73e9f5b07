// From arguments to a checked request. Options are taken in the order in which they stand, because some look back: a
// server without a port has the port of the service named before it, -6 needs a firewall mark before it.

import { formatAddress, parseIpv4, parseIpv6 } from "#model/address.js";
import type { Address, Destination, Family, Protocol, Service, ServiceId, SyncDaemonRequest, Timeouts } from "#model/director.js";
import { SYNC_LENGTH_MAX } from "#model/sync-daemon.js";
import { parseEndpoint, parseHost } from "./endpoint.js";
import { fail, tryHelp } from "./exit.js";
import type { Names } from "./names.js";
import type { Command, CommandOption, OptionName } from "./options.js";
import { checkCommandOptions, checkTunnelOptions, hasTunnelOptions, OPTIONS } from "./options.js";
import type { ScannedOption } from "./popt.js";
import { OptionScanner, ScanError } from "./popt.js";
import { parseSchedulerFlags } from "./scheduler-flags.js";
import { leadingNumber, parseFwmark, parseNumberOrFail, parseTimeout } from "./values.js";

export interface Request {
  readonly command: Command;
  readonly options: ReadonlySet<OptionName>;
  /** Undefined when no service was named. */
  readonly serviceId: ServiceId | undefined;
  readonly service: Omit<Service, "id">;
  readonly destination: Destination;
  readonly timeouts: Timeouts;
  readonly daemon: SyncDaemonRequest;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What has been said so far. */
class Draft {
  readonly options = new Set<OptionName>();
  protocol: Protocol | undefined;
  address: Address = "0.0.0.0";
  port = 0;
  fwmark = 0;
  family: Family | undefined;
  destinationFamily: Family | undefined;
  schedulerFlags = "";
  timeouts: Timeouts = { tcp: 0, tcpFin: 0, udp: 0 };
  readonly service: Mutable<Omit<Service, "id">> = {
    scheduler: "", schedulerFlags: 0, persistentSeconds: 0, netmask: "255.255.255.255", persistenceEngine: "", onePacket: false,
  };
  readonly destination: Mutable<Destination> = {
    address: "0.0.0.0", port: 0, forward: "route", weight: 1, upperThreshold: 0, lowerThreshold: 0,
    tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none",
  };
  readonly daemon: Mutable<SyncDaemonRequest> = { role: "master", interface: "", syncId: 0 };

  serviceId(): ServiceId | undefined {
    if (this.fwmark !== 0) return { kind: "fwmark", fwmark: this.fwmark, family: this.family ?? 4 };
    if (this.protocol === undefined) return undefined;
    return { kind: "address", protocol: this.protocol, address: this.address, port: this.port };
  }
}

const DEFAULT_SCHEDULER = "wlc";
/** ip_vs.h, IPVS_SVC_PERSISTENT_TIMEOUT: -p without a value. */
const PERSISTENT_SECONDS = "360";
const NAME_BYTES_MAX = 15;
const INT_MAX = 2 ** 31 - 1;

/** "help" and "version" end the reading at once. Throws ScanError for what popt refuses, Exit for all else that is wrong. */
export async function parseCommandLine(args: readonly string[], names: Names): Promise<Request | "help" | "version"> {
  const scanner = new OptionScanner(args, OPTIONS);
  const draft = new Draft();
  const command = scanCommand(scanner, draft);
  if (command === "help" || command === "version") return command;
  for (let option = scanner.next(); option !== undefined; option = scanner.next()) {
    if (option.spec.command !== undefined) fail(`invalid option \`${scanner.lastArgument}'`);
    await takeOption(draft, option.spec, option.value, names);
  }
  takeRest(command, draft, scanner.rest);
  takeSchedulerFlags(draft);
  checkCommandOptions(command, draft.options);
  if (command === "add-service" || command === "edit-service") completeService(draft);
  if (command === "add-server" || command === "edit-server") completeDestination(draft);
  const { options, service, destination, timeouts, daemon } = draft;
  return { command, options, serviceId: draft.serviceId(), service, destination, timeouts, daemon };
}

/** The first option is the command; anything else there, wrong options too, is answered with a hint. */
function scanCommand(scanner: OptionScanner<CommandOption>, draft: Draft): Command | "help" | "version" {
  const { spec, value } = firstOption(scanner) ?? tryHelp();
  if (spec.command === "start-daemon") draft.daemon.role = parseRole(value, "illegal start-daemon parameter specified");
  if (spec.command === "stop-daemon") draft.daemon.role = parseRole(value, "illegal start_daemon specified");
  return spec.command ?? tryHelp();
}

function firstOption(scanner: OptionScanner<CommandOption>): ScannedOption<CommandOption> | undefined {
  try {
    return scanner.next();
  } catch (error) {
    if (error instanceof ScanError) return undefined;
    throw error;
  }
}

function parseRole(text: string | undefined, message: string): "master" | "backup" {
  return text === "master" || text === "backup" ? text : fail(message);
}

async function takeOption(draft: Draft, { long, name }: CommandOption, value: string | undefined, names: Names): Promise<void> {
  if (name !== undefined) {
    if (draft.options.has(name)) fail(`multiple '${name}' options specified`);
    draft.options.add(name);
  }
  await takeValue[long]?.(draft, value ?? (long === "persistent" ? PERSISTENT_SECONDS : ""), names);
}

type TakeValue = (draft: Draft, text: string, names: Names) => void | Promise<void>;

/** By long name; options that only need to be there are not among them. */
const takeValue: Readonly<Record<string, TakeValue>> = {
  "tcp-service": (draft, text, names) => takeService(draft, "tcp", text, names),
  "udp-service": (draft, text, names) => takeService(draft, "udp", text, names),
  "sctp-service": (draft, text, names) => takeService(draft, "sctp", text, names),
  "fwmark-service": (draft, text) => {
    draft.family = 4;
    draft.protocol = "tcp";
    draft.fwmark = parseFwmark(text);
  },
  ipv6: (draft) => {
    if (draft.fwmark === 0) fail("-6 used before -f\n");
    draft.family = 6;
    draft.service.netmask = "128";
  },

  scheduler: ({ service }, text) => { service.scheduler = text.slice(0, NAME_BYTES_MAX); },
  "sched-flags": (draft, text) => { draft.schedulerFlags = text; },
  persistent: ({ service }, text) => { service.persistentSeconds = parseTimeout(text, 1); },
  netmask: takeNetmask,
  pe: ({ service }, text) => { service.persistenceEngine = text; },
  ops: ({ service }) => { service.onePacket = true; },

  "real-server": takeServer,
  masquerading: ({ destination }) => { destination.forward = "masq"; },
  ipip: ({ destination }) => { destination.forward = "tunnel"; },
  gatewaying: ({ destination }) => { destination.forward = "route"; },
  weight: ({ destination }, text) => { destination.weight = parseNumberOrFail(text, 0, INT_MAX, "illegal weight specified"); },
  "u-threshold": ({ destination }, text) => { destination.upperThreshold = parseNumberOrFail(text, 0, INT_MAX, "illegal u_threshold specified"); },
  "l-threshold": ({ destination }, text) => { destination.lowerThreshold = parseNumberOrFail(text, 0, INT_MAX, "illegal l_threshold specified"); },
  "tun-type": ({ destination }, text) => {
    destination.tunnelType = text === "ipip" || text === "gue" || text === "gre" ? text : fail("illegal tunnel type specified");
  },
  "tun-port": ({ destination }, text) => { destination.tunnelPort = parseNumberOrFail(text, 1, 65535, "illegal tunnel port specified"); },
  "tun-nocsum": ({ destination }) => { destination.tunnelChecksum = "none"; },
  "tun-csum": ({ destination }) => { destination.tunnelChecksum = "checksum"; },
  "tun-remcsum": ({ destination }) => { destination.tunnelChecksum = "remote"; },

  "mcast-interface": ({ daemon }, text) => { daemon.interface = text.slice(0, NAME_BYTES_MAX); },
  syncid: ({ daemon }, text) => { daemon.syncId = parseNumberOrFail(text, 0, 255, "illegal syncid specified"); },
  "sync-maxlen": ({ daemon }, text) => { daemon.lengthMax = parseNumberOrFail(text, 1, SYNC_LENGTH_MAX, "illegal sync-maxlen specified"); },
  "mcast-group": ({ daemon }, text) => { daemon.group = parseGroup(text); },
  "mcast-port": ({ daemon }, text) => { daemon.port = parseNumberOrFail(text, 1, 65535, "illegal mcast-port specified"); },
  "mcast-ttl": ({ daemon }, text) => { daemon.ttl = parseNumberOrFail(text, 1, 255, "illegal mcast-ttl specified"); },
};

async function takeService(draft: Draft, protocol: Protocol, text: string, names: Names): Promise<void> {
  const endpoint = (await parseEndpoint(text, protocol, names)) ?? fail("illegal virtual server address[:port] specified");
  draft.protocol = protocol;
  draft.address = endpoint.address;
  draft.port = endpoint.port ?? 0;
  draft.family = endpoint.family;
  if (endpoint.family === 6) draft.service.netmask = "128";
}

/** IPv6: the length of a prefix, whatever stands behind it; IPv4: a mask in any form that an address may have. */
async function takeNetmask({ service, family }: Draft, text: string, names: Names): Promise<void> {
  if (family === 6) {
    const length = leadingNumber(text);
    if (length < 1 || length > 128) fail("illegal ipv6 netmask specified");
    service.netmask = `${length}`;
  } else {
    service.netmask = (await parseHost(text, names)) ?? fail("illegal virtual server persistent mask specified");
  }
}

/** Without a port: that of the service, where it is known by now. */
async function takeServer(draft: Draft, text: string, names: Names): Promise<void> {
  const endpoint = (await parseEndpoint(text, draft.protocol, names)) ?? fail("illegal real server address[:port] specified");
  draft.destination.address = endpoint.address;
  draft.destination.port = endpoint.port ?? draft.port;
  draft.destinationFamily = endpoint.family;
}

function parseGroup(text: string): Address {
  if (text.includes(":")) {
    const words = parseIpv6(text);
    if (words === undefined || words[0] >>> 24 !== 0xff) return fail(`invalid IPv6 mcast-group \`${text}'`);
    return formatAddress({ family: 6, words });
  }
  const ipv4 = parseIpv4(text);
  return ipv4 === undefined || ipv4 >>> 28 !== 0xe ? fail(`invalid IPv4 mcast-group \`${text}'`) : text;
}

/** Only --set has values beside its options. */
function takeRest(command: Command, draft: Draft, rest: readonly string[]): void {
  const taken = command === "set" ? 3 : 0;
  if (rest.length < taken) fail("--set option requires 3 timeout values");
  if (command === "set") {
    const [tcp = "", tcpFin = "", udp = ""] = rest;
    draft.timeouts = { tcp: parseTimeout(tcp, 0), tcpFin: parseTimeout(tcpFin, 0), udp: parseTimeout(udp, 0) };
  }
  if (rest.length > taken) fail(`unexpected argument ${rest[taken]}`);
}

function takeSchedulerFlags({ service, schedulerFlags }: Draft): void {
  service.schedulerFlags = parseSchedulerFlags(schedulerFlags, service.scheduler === "" ? DEFAULT_SCHEDULER : service.scheduler);
}

function completeService({ service, fwmark, port, protocol }: Draft): void {
  if (fwmark === 0 && port === 0 && service.persistentSeconds === 0) fail("Zero port specified for non-persistent service");
  if (fwmark === 0 && protocol !== "udp" && service.onePacket) fail("One-Packet Scheduling is only for UDP virtual services");
  if (service.scheduler === "") service.scheduler = DEFAULT_SCHEDULER;
}

/** Direct routing and tunnels leave the port as it is, so the server's is the service's. */
function completeDestination({ destination, destinationFamily, fwmark, port, family, options }: Draft): void {
  if (fwmark === 0 && destination.forward !== "masq") destination.port = port;
  if (destinationFamily !== family && destination.forward !== "tunnel") fail("Different address family is allowed only for tunneling servers");
  if (hasTunnelOptions(options) && destination.forward !== "tunnel") fail("Tunnel options conflict with forward method");
  checkTunnelOptions(destination.tunnelType, options);
}
