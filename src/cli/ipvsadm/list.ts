// What -L prints of services and their destinations, and -S as commands that make them again.

import type { DestinationState, Director, ForwardMethod, Protocol, ServiceState, SyncDaemon, Timeouts } from "#model/director.js";
import { sortDestinations, sortServices } from "#model/order.js";
import type { EndpointFormat } from "./endpoint.js";
import type { Layout } from "./layouts.js";
import { chooseLayout, hasNetmask } from "./layouts.js";
import type { OptionName } from "./options.js";
import { formatSchedulerFlags } from "./scheduler-flags.js";

/** IPv4 names are cut to their column, IPv6 names are not. */
const SERVICE_NAME_CHARACTERS = 33;
const DESTINATION_NAME_CHARACTERS = 28;
/** IP_VS_VERSION_CODE of every Linux since 2.6.27. */
const IPVS_VERSION = "1.2.1";

const PROTOCOL_OPTION = { tcp: "-t", udp: "-u", sctp: "--sctp-service" } as const;

export function formatBanner(director: Director): string {
  return `IP Virtual Server version ${IPVS_VERSION} (size=${director.connectionTableSize})\n`;
}

/** Services under their heading. */
export function formatServices(services: readonly ServiceState[], options: ReadonlySet<OptionName>, endpoint: EndpointFormat): string {
  const layout = chooseLayout(options);
  const isSorted = !options.has("nosort");
  const ordered = isSorted ? sortServices(services) : services;
  return layout.heading + ordered.map((service) => formatService(service, layout, isSorted, endpoint)).join("");
}

function formatService(service: ServiceState, layout: Layout, isSorted: boolean, endpoint: EndpointFormat): string {
  const destinations = isSorted ? sortDestinations(service.destinations) : service.destinations;
  return layout.service(serviceName(service, endpoint), service)
    + destinations.map((destination) => layout.destination(destinationName(service, destination, endpoint), destination)).join("");
}

/** "TCP  10.0.0.100:80", "FWM  7 IPv6"; firewall marks are printed as signed numbers. */
function serviceName({ id }: ServiceState, endpoint: EndpointFormat): string {
  if (id.kind === "fwmark") return `FWM  ${id.fwmark | 0}${id.family === 6 ? " IPv6" : ""}`;
  const name = `${id.protocol.toUpperCase().padEnd(4)} ${endpoint(id, id.protocol)}`;
  return id.address.includes(":") ? name : name.slice(0, SERVICE_NAME_CHARACTERS);
}

function destinationName(service: ServiceState, destination: DestinationState, endpoint: EndpointFormat): string {
  const name = endpoint(destination, portProtocol(service));
  return destination.address.includes(":") ? name : name.slice(0, DESTINATION_NAME_CHARACTERS);
}

/** A service by firewall mark is of no protocol, so its servers' ports have no names. */
function portProtocol({ id }: ServiceState): Protocol | undefined {
  return id.kind === "fwmark" ? undefined : id.protocol;
}

/** -S: one command a line, without the leading "ipvsadm". Thresholds are not saved. */
export function formatRules(services: readonly ServiceState[], endpoint: EndpointFormat): string {
  return sortServices(services).map((service) => {
    const name = serviceOption(service, endpoint);
    const servers = sortDestinations(service.destinations).map((destination) => serverRule(name, endpoint(destination, portProtocol(service)), destination));
    return serviceRule(name, service) + servers.join("");
  }).join("");
}

function serviceOption({ id }: ServiceState, endpoint: EndpointFormat): string {
  if (id.kind === "fwmark") return `-f ${id.fwmark | 0}${id.family === 6 ? " -6" : ""}`;
  return `${PROTOCOL_OPTION[id.protocol]} ${endpoint(id, id.protocol)}`;
}

function serviceRule(name: string, service: ServiceState): string {
  let rule = `-A ${name} -s ${service.scheduler}`;
  if (service.persistentSeconds !== 0) {
    rule += ` -p ${service.persistentSeconds}`;
    if (hasNetmask(service)) rule += ` -M ${service.netmask}`;
  }
  if (service.persistenceEngine !== "") rule += ` --pe ${service.persistenceEngine}`;
  if (service.onePacket) rule += " -o";
  if (service.schedulerFlags !== 0) rule += ` -b ${formatSchedulerFlags(service.schedulerFlags, service.scheduler)}`;
  return `${rule}\n`;
}

const METHOD_OPTION: Readonly<Record<ForwardMethod, string>> = { masq: "-m", tunnel: "-i", route: "-g", local: "-g", bypass: "-g" };
const CHECKSUM_OPTION = { none: "--tun-nocsum", checksum: "--tun-csum", remote: "--tun-remcsum" } as const;

function serverRule(service: string, server: string, destination: DestinationState): string {
  return `-a ${service} -r ${server} ${METHOD_OPTION[destination.forward]} -w ${destination.weight}${tunnelRule(destination)}\n`;
}

function tunnelRule({ forward, tunnelType, tunnelPort, tunnelChecksum }: DestinationState): string {
  if (forward !== "tunnel") return "";
  if (tunnelType === "ipip") return " --tun-type ipip";
  return ` --tun-type ${tunnelType}${tunnelType === "gue" ? ` --tun-port ${tunnelPort}` : ""} ${CHECKSUM_OPTION[tunnelChecksum]}`;
}

export function formatTimeouts({ tcp, tcpFin, udp }: Timeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`;
}

export function formatDaemons(daemons: readonly SyncDaemon[]): string {
  return daemons.map(({ role, interface: name, syncId, lengthMax, group, port, ttl }) =>
    `${role} sync daemon (mcast=${name}, syncid=${syncId}, maxlen=${lengthMax}, group=${group}, port=${port}, ttl=${ttl})\n`).join("");
}
