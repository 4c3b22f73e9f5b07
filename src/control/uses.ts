// What services need of the data plane beyond IPv4's TCP and UDP: programs that nobody uses are not loaded.

import { addressFamily } from "#model/address.js";
import { familyOf } from "#model/config/address.js";
import type { Destination, ServiceId } from "#model/director.js";
import { FTP_PORT } from "#wire/ftp.js";

export { FTP_PORT } from "#wire/ftp.js";

/**
 * "transports": SCTP, and AH and ESP, which follow the connection of their key exchange. "tunnels": all but IPv4 in IPv4 by IPIP. "relays": any
 * tunnel, for errors about its packets; those of a tunnel by IPv6 come by IPv6. "applications": FTP by NAT. "engines": persistence by Call-ID.
 * "marks": a way back for netfilter's. "own": clients on the director itself, of servers by NAT, which answer it, or
 * of VIPs that are none of its addresses. "egress": what it sends to such VIPs itself, and what servers by NAT answer that are the director itself.
 * "synchronisation": no service needs it; the backup daemon loads its programs itself.
 */
export type Use = "ipv6" | "transports" | "tunnels" | "relays" | "applications" | "engines" | "marks" | "own" | "egress" | "synchronisation";

/** RFC 2408: "isakmp". */
const KEY_EXCHANGE_PORT = 500;

export interface ServiceUse {
  readonly id: ServiceId;
  readonly persistenceEngine: string;
  readonly destinations: readonly Pick<Destination, "address" | "forward" | "tunnelType">[];
}

/** `isLocal`: whether that address is one of the director's own. */
export function usesOf(services: Iterable<ServiceUse>, isLocal: (address: string) => boolean): ReadonlySet<Use> {
  const uses = new Set<Use>();
  for (const { id, persistenceEngine, destinations } of services) {
    if (familyOf(id) === 6) uses.add("ipv6");
    if (persistenceEngine !== "") uses.add("engines");
    if (id.kind === "fwmark") uses.add("marks");
    if (isAway(id, isLocal) || destinations.some(({ forward }) => forward === "masq")) uses.add("own");
    if (needsEgress(id, destinations, isLocal)) uses.add("egress");
    if (bringsOtherTransports(id)) uses.add("transports");
    const tunnels = destinations.filter(({ forward }) => forward === "tunnel");
    if (tunnels.length > 0) uses.add("relays");
    if (tunnels.some(({ address }) => addressFamily(address) === 6)) uses.add("ipv6");
    if (tunnels.some((destination) => isOtherTunnel(id, destination))) uses.add("tunnels");
    if (mayBringFtp(id) && destinations.some(({ forward }) => forward === "masq")) uses.add("applications");
  }
  return uses;
}

/** Whether some of them need that, asked of as few as it takes. */
export function someNeedEgress(services: Iterable<ServiceUse>, isLocal: (address: string) => boolean): boolean {
  for (const { id, destinations } of services) if (needsEgress(id, destinations, isLocal)) return true;
  return false;
}

function needsEgress(id: ServiceId, destinations: ServiceUse["destinations"], isLocal: (address: string) => boolean): boolean {
  return isAway(id, isLocal) || destinations.some(({ address, forward }) => forward === "masq" && isLocal(address));
}

/** A VIP that is no address of the director's: its own packets to it leave by an interface. Those of a mark are routed back (mark-return.ts). */
function isAway(id: ServiceId, isLocal: (address: string) => boolean): boolean {
  return id.kind === "address" && !isLocal(id.address);
}

/** A mark's packets may be of any protocol, and so may a key exchange's be on every port. */
function bringsOtherTransports(id: ServiceId): boolean {
  return id.kind === "fwmark" || id.protocol === "sctp" || (id.protocol === "udp" && (id.port === KEY_EXCHANGE_PORT || id.port === 0));
}

function isOtherTunnel(id: ServiceId, { address, tunnelType }: ServiceUse["destinations"][number]): boolean {
  return tunnelType !== "ipip" || familyOf(id) === 6 || addressFamily(address) === 6;
}

/** Whether FTP's data connections may be for it, without having been announced. */
export function bringsFtpData(id: ServiceId, persistentSeconds: number): boolean {
  return id.kind === "address" && id.protocol === "tcp" && id.port === FTP_PORT && persistentSeconds !== 0;
}

/** Whether FTP's control connections may be for it. */
export function mayBringFtp(id: ServiceId): boolean {
  return id.kind === "fwmark" || (id.protocol === "tcp" && (id.port === FTP_PORT || id.port === 0));
}
