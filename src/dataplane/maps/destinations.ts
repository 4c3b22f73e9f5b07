// Real servers, each of one service. Linux include/net/ip_vs.h, struct ip_vs_dest.

import { Be16, u16, u32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { MapFlag } from "#ebpf/spec.js";
import { hashMap, table } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { IpProtocol } from "#wire/ipv4.js";
import { DESTINATIONS_DEFAULT } from "./limits.js";

/** The way to a neighbour as the kernel's routing told it last; asked again when `validUntil` has passed. */
export const Hop = struct("Hop", {
  /** In ticks. A new one is given the present, so that it is asked for at once. */
  validUntil: u32,
  ifindex: u32,
  destination: array(u8, 6),
  source: array(u8, 6),
  mtu: u16,
  flags: u8,
  /** See hop.ts, prove(). */
  provedAt: u8,
}, { size: 24 });
export type Hop = View<typeof Hop>;

/** Hop.flags: the interface is a veth whose other end is in another network namespace; TC hands packets to that end directly. */
export const HOP_BY_PEER = 1;
/** Hop.flags: the interface is a veth. Linux v6.12 drivers/net/veth.c, veth_xdp_flush() leaves what XDP_TX sends lying unless the other end has an XDP program; a redirect arrives. */
export const HOP_WITHOUT_TX = 2;
/** Hop.flags: the interface's driver takes frames that XDP redirects; what is redirected to one that does not is lost. */
export const HOP_BY_XDP = 4;

/** The interfaces that there were when control/ attached; of one that came later nothing is known, and TC sends there. */
export const DeviceKey = struct("DeviceKey", { ifindex: u32 });
export const Device = struct("Device", { hopFlags: u32 });
export const DEVICES_MAX = 1024;
export const devices = hashMap("devices", DeviceKey, Device, DEVICES_MAX);

export const Destination = struct("Destination", {
  // The first line is what every packet on its way there reads.
  flags: u8,
  method: u8,
  port: Be16,
  hop: Hop,
  weight: u32,
  address: Address,
  /** config.ts, IPV4 or IPV6: of `address` and `tunnelSource`. */
  family: u8,
  /** TUNNEL_…; then what its kind needs. */
  tunnelType: u8,
  tunnelPort: Be16,
  tunnelChecksum: u8,
  /** Its service's family. */
  virtualFamily: u8,
  protocol: IpProtocol,
  /** Bytes that its tunnel puts around a packet, if its method is one (forward/tunnel.ts). */
  overhead: u8,
  upperThreshold: u32,
  // The second line. The director's address on the way there: the outer source of a tunnel.
  tunnelSource: Address,
  // Its service, so that a destination that is removed and comes back finds its connections again.
  virtualAddress: Address,
  virtualMark: u32,
  virtualPort: Be16,
  padding2: u16,
  serviceSlot: u32,
  lowerThreshold: u32,
  /** The last one that was not 0, since it was added: mh's slots go by it. */
  lastWeight: u32,
  /** When it was removed: clock.ts, ticks(). */
  removedAt: u32,
  spare: array(u32, 2),
  // Lines of their own for what packets write.
  activeConnections: u32,
  inactiveConnections: u32,
  persistentConnections: u32,
  written: array(u32, 29),
}, { size: 256 });
export type Destination = View<typeof Destination>;
export const destinations = table("destinations", Destination, DESTINATIONS_DEFAULT);

/** Destination.method: Linux include/uapi/linux/ip_vs.h, IP_VS_CONN_F_MASQ and its siblings. */
export const METHOD_MASQ = 0;
export const METHOD_LOCAL = 1;
export const METHOD_TUNNEL = 2;
export const METHOD_ROUTE = 3;

/** Destination.tunnelType: IP_VS_CONN_F_TUNNEL_TYPE_IPIP and its siblings. */
export const TUNNEL_IPIP = 0;
export const TUNNEL_GUE = 1;
export const TUNNEL_GRE = 2;

/** Destination.tunnelChecksum: IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM and its siblings. */
export const TUNNEL_NO_CHECKSUM = 0;
export const TUNNEL_CHECKSUM = 1;
export const TUNNEL_REMOTE_CHECKSUM = 2;

/** Destination.flags: IP_VS_DEST_F_AVAILABLE, IP_VS_DEST_F_OVERLOAD. Neither: removed, kept for its connections. */
export const DESTINATION_AVAILABLE = 1;
export const DESTINATION_OVERLOAD = 2;
/** The slot is taken. */
export const DESTINATION_IN_USE = 4;
/** It is the director itself. */
export const DESTINATION_LOCAL = 8;
/** It is or was by NAT, and connections by NAT may stand. */
export const DESTINATION_MASQUERADED = 16;
/** Removed, and its service too. */
export const DESTINATION_ORPHANED = 32;

/** A real server by NAT, as its answers name it. */
export const RealServerKey = struct("RealServerKey", { address: Address, port: Be16, protocol: IpProtocol, family: u8, spare: u32 }, { size: 24 });
/** What it is told from. */
export const RealServer = struct("RealServer", { director: Address }, { size: 16 });
/** While the sysctl nat_icmp_send is on: Linux net/netfilter/ipvs/ip_vs_ctl.c, rs_table. */
export const realServers = hashMap("realServers", RealServerKey, RealServer, DESTINATIONS_DEFAULT, MapFlag.NO_PREALLOC);
