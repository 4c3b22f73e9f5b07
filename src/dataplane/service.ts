// Which virtual service a packet is for. Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_service_find().

import type { Be16, u32 } from "#layout/numbers.js";
import { be16, host16, u32 as U32, u64 as U64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { foldAddress } from "#wire/address.js";
import { FTP_DATA_PORT, FTP_PORT } from "#wire/ftp.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { FAMILY, IPV6 } from "./config.js";
import type { Flow } from "./flow.js";
import type { Service } from "./maps.js";
import { SERVICE_FTP, ServiceKey, servicePlaces, serviceRows, services, settings, VIP_FILTER_BITS } from "./maps.js";
import { markOf } from "./mark.js";

/** The service of the packet's mark, or else the one on its address and port. */
export function findService(packet: Packet, flow: Flow): Service | null {
  if (settings.at(0).markServices !== 0) {
    const service = findByMark(markOf(packet, flow));
    if (service !== null) return service;
  }
  return findByAddress(flow.destination, flow.destinationPort, flow.protocol);
}

/** __ip_vs_svc_fwm_find() */
function findByMark(mark: u32): Service | null {
  return mark === 0 ? null : standing(make(ServiceKey, { mark, family: FAMILY }));
}

/** The service in the configuration that counts now (maps/services.ts, ServiceSlot). */
function standing(key: View<typeof ServiceKey>): Service | null {
  const found = services.lookup(key);
  if (found === null) return null;
  const row = servicePlaces.at(found.slot).rows[settings.at(0).generation & 1];
  return row === 0 ? null : serviceRows.at(row);
}

/** The service on that port, or else FTP's whose data connection it may be, or else the one on port 0. */
function findByAddress(address: Address, port: Be16, protocol: IpProtocol): Service | null {
  const key = make(ServiceKey, { address, port, protocol, family: FAMILY });
  const service = standing(key);
  if (service !== null) return service;
  if (settings.at(0).ftpDataServices !== 0 && protocol === IPPROTO_TCP && mayBeFtpData(port)) {
    key.port = be16(FTP_PORT);
    const ftp = standing(key);
    if (ftp !== null && (ftp.flags & SERVICE_FTP) !== 0) return ftp;
  }
  if (settings.at(0).anyPortServices === 0) return null;
  key.port = ANY_PORT;
  return standing(key);
}
const ANY_PORT = be16(0);

/** ip_vs_service_find(): FTP's own port of data, and those that a server may take without privilege (inet_port_requires_bind_service()). */
function mayBeFtpData(port: Be16): boolean {
  return port === be16(FTP_DATA_PORT) || host16(port) >= UNPRIVILEGED_PORT_MIN;
}
/** Linux net/ipv4/af_inet.c: net.ipv4.ip_unprivileged_port_start, unless it is set. */
const UNPRIVILEGED_PORT_MIN = 1024;

/** False only for an address that no service has (marks may be on any): most packets that are none of ours end here, without a look-up. */
export function mayBeVip(address: Address): boolean {
  const bit = vipFilterBit(address);
  return ((settings.at(0).vipFilter[bit >>> 6] >> U64(bit & 63)) & 1n) !== 0n;
}

/** False while no connection by NAT can stand: then no packet is looked up as an answer. */
export function mayBeAnswer(): boolean {
  return (FAMILY === IPV6 ? settings.at(0).natDestinationsIpv6 : settings.at(0).natDestinations) !== 0;
}

/** The filter's bit for an address; control/ sets by it what packets ask by it. */
export function vipFilterBit(address: Address): u32 {
  return U32((U64(foldAddress(address)) * 0x9e3779b1n) >> 20n) & (VIP_FILTER_BITS - 1);
}
