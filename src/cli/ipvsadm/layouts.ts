// The tables that -L can print: what stands above them, what a service's line shows behind its name, and what a server's.

import type { Counters, DestinationState, ForwardMethod, Rates, ServiceState } from "#model/director.js";
import type { OptionName } from "./options.js";
import { formatSchedulerFlags } from "./scheduler-flags.js";

export interface Layout {
  readonly heading: string;
  service(name: string, service: ServiceState): string;
  destination(name: string, destination: DestinationState): string;
}

type CountFormat = (count: bigint) => string;

/** The first of those that were asked for; they do not combine. */
export function chooseLayout(options: ReadonlySet<OptionName>): Layout {
  const count = options.has("exact") ? exactCount : shortCount;
  if (options.has("stats")) return statistics(count);
  if (options.has("rate")) return rates(count);
  if (options.has("thresholds")) return thresholds;
  if (options.has("persistent-conn")) return persistentConnections;
  return options.has("tun-info") ? tunnels : plain;
}

const plain: Layout = {
  heading: "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
  service: describe,
  destination: (name, { forward, weight, activeConnections, inactiveConnections }) =>
    row(name, [METHOD_NAME[forward], 7], [weight, 6], [activeConnections, 10], [inactiveConnections, 10]),
};

const tunnels: Layout = {
  heading: "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n",
  service: describe,
  destination: (name, destination) =>
    row(name, [METHOD_NAME[destination.forward], 7], [tunnelInfo(destination), 13], [destination.weight, 6],
      [destination.activeConnections, 10], [destination.inactiveConnections, 10]),
};

const thresholds: Layout = {
  heading: "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  -> RemoteAddress:Port\n",
  service: describe,
  destination: (name, { upperThreshold, lowerThreshold, activeConnections, inactiveConnections }) =>
    row(name, [upperThreshold, 10], [lowerThreshold, 10], [activeConnections, 10], [inactiveConnections, 10]),
};

const persistentConnections: Layout = {
  heading: "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  -> RemoteAddress:Port\n",
  service: describe,
  destination: (name, { weight, persistentConnections: persistent, activeConnections, inactiveConnections }) =>
    row(name, [weight, 9], [persistent, 11], [activeConnections, 10], [inactiveConnections, 10]),
};

function statistics(count: CountFormat): Layout {
  const counts = (counters: Counters) => columnsOf(counters).map(count).join("");
  return {
    heading: "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\n",
    service: (name, { counters }) => `${name.padEnd(33)}${counts(counters)}\n`,
    destination: (name, { counters }) => `  -> ${name.padEnd(28)}${counts(counters)}\n`,
  };
}

/** Of a server, connections and packets are never shortened. */
function rates(count: CountFormat): Layout {
  const whole = (number: bigint) => ` ${number.toString().padStart(8)}`;
  return {
    heading: "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  -> RemoteAddress:Port\n",
    service: (name, service) => `${name.padEnd(33)}${columnsOf(service.rates).map(count).join("")}\n`,
    destination: (name, destination) =>
      `  -> ${name.padEnd(28)}${columnsOf(destination.rates).map((number, i) => (i < 3 ? whole(number) : count(number))).join("")}\n`,
  };
}

function columnsOf({ connections, packetsIn, packetsOut, bytesIn, bytesOut }: Counters | Rates): bigint[] {
  return [connections, packetsIn, packetsOut, bytesIn, bytesOut];
}

/** Nine characters: up to 99,999,999 as it is, then in thousands, millions, thousands of millions, millions of millions. */
export function shortCount(count: bigint): string {
  if (count < 100_000_000n) return count.toString().padStart(9);
  if (count < 1_000_000_000n) return `${(count / 1_000n).toString().padStart(8)}K`;
  if (count < 100_000_000_000n) return `${(count / 1_000_000n).toString().padStart(8)}M`;
  if (count < 100_000_000_000_000n) return `${(count / 1_000_000_000n).toString().padStart(8)}G`;
  return `${(count / 1_000_000_000_000n).toString().padStart(8)}T`;
}

/** At least nine characters, and always a blank before the number. */
export function exactCount(count: bigint): string {
  return ` ${count.toString().padStart(8)}`;
}

/** "rr (flag-1) persistent 360 mask 255.255.255.0 pe sip ops" */
function describe(name: string, service: ServiceState): string {
  const { scheduler, schedulerFlags, persistentSeconds, persistenceEngine, onePacket } = service;
  let line = `${name} ${scheduler}`;
  if (schedulerFlags !== 0) line += ` (${formatSchedulerFlags(schedulerFlags, scheduler)})`;
  if (persistentSeconds !== 0) {
    line += ` persistent ${persistentSeconds}`;
    if (hasNetmask(service)) line += ` mask ${service.netmask}`;
    if (persistenceEngine !== "") line += ` pe ${persistenceEngine}`;
  }
  if (onePacket) line += " ops";
  return `${line}\n`;
}

/** Whether clients are taken together by it. */
export function hasNetmask({ netmask }: ServiceState): boolean {
  return netmask !== "255.255.255.255" && netmask !== "128";
}

/** Columns are followed by one blank each, the last by none. */
function row(name: string, ...columns: readonly [string | number, number][]): string {
  return `  -> ${name.padEnd(28)} ${columns.map(([value, width]) => `${value}`.padEnd(width)).join(" ")}\n`;
}

const METHOD_NAME: Readonly<Record<ForwardMethod, string>> = { masq: "Masq", local: "Local", tunnel: "Tunnel", route: "Route", bypass: "Bypass" };
const CHECKSUM_MARK = { none: "-c", checksum: "+c", remote: "r+c" } as const;

function tunnelInfo({ forward, tunnelType, tunnelPort, tunnelChecksum }: DestinationState): string {
  if (forward !== "tunnel") return "n/a";
  if (tunnelType === "ipip") return "ipip";
  return tunnelType === "gue" ? `gue:${tunnelPort}:${CHECKSUM_MARK[tunnelChecksum]}` : `gre:${CHECKSUM_MARK[tunnelChecksum]}`;
}
