// The way to the next neighbour. Routes and neighbours are the kernel's: bpf_fib_lookup tells, and what it told is kept
// with the destination (or the connection, for answers) for a quarter of a second. So a packet rarely asks, and a
// change in the kernel's tables is followed at once all the same.

import type { i32, u32, u64 } from "#layout/numbers.js";
import { Be16, i32 as I32, u16, u32 as U32, u64 as U64, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { BPF_F_INGRESS } from "#prelude/flags.js";
import { bpf_fib_lookup, bpf_redirect, bpf_redirect_neigh, bpf_redirect_peer } from "#prelude/helpers.js";
import { likely, make, sizeOf, unlikely } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { XDP_TX } from "#prelude/packet.js";
import { Ethernet } from "#wire/ethernet.js";
import { Address } from "#wire/address.js";
import { isUnspecified } from "./address.js";
import { hasPassed } from "./clock.js";
import { FAMILY, FIB_GIVES_SOURCE, HOOK, IPV6, XDP } from "./config.js";
import { clientOf } from "./connection.js";
import type { Connection, Destination, Hop } from "./maps.js";
import { CONNECTION_OWN, DeviceKey, HOP_BY_PEER, HOP_BY_XDP, HOP_WITHOUT_TX, devices } from "./maps.js";
import { Verdict, count, drop } from "./verdict.js";

/** Linux include/uapi/linux/bpf.h, struct bpf_fib_lookup. An IPv4 address is the first word of four. */
export const FibLookup = struct("bpf_fib_lookup", {
  family: u8,
  l4Protocol: u8,
  sourcePort: Be16,
  destinationPort: Be16,
  /** In: a length to check against the MTU (1: never too long). Out: the route's MTU. */
  lengthOrMtu: u16,
  ifindex: U32,
  tosOrMetric: U32,
  source: array(U32, 4),
  /** Out: the next hop. */
  destination: array(U32, 4),
  vlan: U32,
  sourceMac: array(u8, 6),
  destinationMac: array(u8, 6),
}, { size: 64 });
export type FibLookup = View<typeof FibLookup>;

/** struct bpf_redir_neigh */
export const Neighbour = struct("bpf_redir_neigh", { family: U32, address: array(U32, 4) }, { size: 20 });

/** What resolve() found out. */
export const Way = struct("Way", {
  /** HOP_… */
  outcome: U32,
  ifindex: U32,
  /** The neighbour to ask for: the gateway, or the address itself; AF_INET or AF_INET6, as struct bpf_redir_neigh has it. */
  neighbourFamily: U32,
  neighbour: array(U32, 4),
  /** The director's own address on the way, or zero when it was not asked for. */
  source: Address,
});
export type Way = View<typeof Way>;

/** The hop holds. */
export const HOP_KNOWN = 0;
/** The hop holds and was asked for just now; at TC this packet goes by way of the kernel's neighbour table, which keeps it alive. */
export const HOP_RENEWED = 1;
/** The kernel does not know the neighbour's address yet, or is to make sure of it. */
export const HOP_UNRESOLVED = 2;
export const HOP_NO_ROUTE = 3;
/** TC: the client is a process of the director's own (own.ts). */
export const HOP_OWN = 4;

const AF_INET = 2;
const AF_INET6 = 10;
/** The loopback's index in every namespace: a look-up "from" it is one for the host's own packets, as LVS makes them
 *  (ip_vs_xmit.c, __ip_vs_get_out_rt()); it needs forwarding on lo only, not on the interfaces. */
export const LOOPBACK_IFINDEX = 1;
/** Linux 6.3, so that a kernel with the next one has it. */
const BPF_FIB_LOOKUP_SKIP_NEIGH = 4;
const BPF_FIB_LOOKUP_SRC = 16;
const BPF_FIB_LKUP_RET_SUCCESS = 0;
const BPF_FIB_LKUP_RET_NO_NEIGH = 7;
/** No packet is too big for it. */
const MTU_UNKNOWN = 0xffff;
/** 0.27 s. */
const HOP_VALID_TICKS = 4;
/** Ages are counted in 2^4 ticks, 1.07 s, and two of them are too many. */
const PROVED_SHIFT = 4;
const PROVED_AGE_MAX = 2;

/** The way to a destination: from its hop while that is fresh, else from the kernel's tables. */
export function resolveDestination(packet: Packet, destination: Destination, now: u32, way: Way): void {
  if (unlikely(hasPassed(destination.hop.validUntil, now))) askForDestination(packet, destination, now, way);
}

/** The way back to a connection's client. */
export function resolveClient(packet: Packet, connection: Connection, now: u32, way: Way): void {
  if (unlikely(hasPassed(connection.clientHop.validUntil, now))) askForClient(packet, connection, now, way);
}

function askForDestination(packet: Packet, destination: Destination, now: u32, way: Way): void {
  "use subprogram";
  ask(packet, destination.hop, destination.address, destination.family, now, way);
  if (!isUnspecified(way.source)) destination.tunnelSource = way.source;
}

function askForClient(packet: Packet, connection: Connection, now: u32, way: Way): void {
  "use subprogram";
  if ((connection.flags & CONNECTION_OWN) === 0) {
    ask(packet, connection.clientHop, clientOf(connection), FAMILY, now, way);
  } else {
    connection.clientHop.mtu = MTU_UNKNOWN;
    way.outcome = HOP_OWN;
  }
}

function ask(packet: Packet, hop: Hop, address: Address, family: u32, now: u32, way: Way): void {
  if (HOOK === XDP && hop.ifindex !== 0 && provedAge(hop, now) >= PROVED_AGE_MAX) {
    way.outcome = HOP_UNRESOLVED;
    return;
  }
  way.outcome = renew(packet, hop, address, family, now, way);
  if (HOOK !== XDP && way.outcome === HOP_UNRESOLVED) hop.mtu = mtuTo(packet, address, family);
}

/** Asks the kernel's tables; fills in the hop if the neighbour is known. Gives the outcome. */
function renew(packet: Packet, hop: Hop, address: Address, family: u32, now: u32, way: Way): u32 {
  const route = make(FibLookup, { family: family === IPV6 ? AF_INET6 : AF_INET, lengthOrMtu: 1, ifindex: LOOPBACK_IFINDEX });
  setDestination(route, address, family);
  const result = I32(bpf_fib_lookup(packet, route, sizeOf(FibLookup), FIB_GIVES_SOURCE ? BPF_FIB_LOOKUP_SRC : 0));
  way.ifindex = route.ifindex;
  way.neighbourFamily = route.family;
  way.neighbour = route.destination;
  if (result !== BPF_FIB_LKUP_RET_SUCCESS && result !== BPF_FIB_LKUP_RET_NO_NEIGH) return HOP_NO_ROUTE;
  if (FIB_GIVES_SOURCE) {
    way.source.high = family === IPV6 ? halfOf(route.source[0], route.source[1]) : 0n;
    way.source.low = family === IPV6 ? halfOf(route.source[2], route.source[3]) : U64(route.source[0]);
  }
  if (result === BPF_FIB_LKUP_RET_NO_NEIGH) return HOP_UNRESOLVED;
  if (HOOK !== XDP || hop.ifindex === 0) prove(hop, now);
  hop.ifindex = route.ifindex;
  hop.destination = route.destinationMac;
  hop.source = route.sourceMac;
  hop.mtu = route.lengthOrMtu;
  const device = devices.lookup(make(DeviceKey, { ifindex: route.ifindex }));
  hop.flags = device === null ? 0 : device.hopFlags;
  hop.validUntil = now + HOP_VALID_TICKS;
  return HOP_RENEWED;
}

function setDestination(route: FibLookup, address: Address, family: u32): void {
  if (family === IPV6) {
    route.destination[0] = U32(address.high);
    route.destination[1] = U32(address.high >> 32n);
    route.destination[2] = U32(address.low);
    route.destination[3] = U32(address.low >> 32n);
  } else {
    route.destination[0] = U32(address.low);
  }
}

function halfOf(first: u32, second: u32): u64 {
  return U64(first) | (U64(second) << 32n);
}

/**
 * A look-up tells a neighbour's address as it stands, however old; only who sends by the neighbour table makes the kernel
 * make sure of it (Linux v6.12 include/net/neighbour.h, neigh_event_send()). XDP cannot, and leaves a packet to TC when
 * that was too long ago.
 */
export function prove(hop: Hop, now: u32): void {
  hop.provedAt = now >>> PROVED_SHIFT;
}

function provedAge(hop: Hop, now: u32): u32 {
  return ((now >>> PROVED_SHIFT) - hop.provedAt) & 0xff;
}

/** net/core/filter.c, bpf_ipv4_fib_lookup() tells the MTU after it has found the neighbour, or was told not to look for it. */
function mtuTo(packet: Packet, address: Address, family: u32): u32 {
  if (!FIB_GIVES_SOURCE) return MTU_UNKNOWN;
  const route = make(FibLookup, { family: family === IPV6 ? AF_INET6 : AF_INET, lengthOrMtu: 1, ifindex: LOOPBACK_IFINDEX });
  setDestination(route, address, family);
  return bpf_fib_lookup(packet, route, sizeOf(FibLookup), BPF_FIB_LOOKUP_SKIP_NEIGH) === 0n ? route.lengthOrMtu : MTU_UNKNOWN;
}

/** Whether the kernel would send a packet on to that address: it is no address of its own, and there is a route. */
export function isForwarded(packet: Packet, address: Address): boolean {
  "use subprogram";
  const route = make(FibLookup, { family: FAMILY === IPV6 ? AF_INET6 : AF_INET, lengthOrMtu: 1, ifindex: LOOPBACK_IFINDEX });
  setDestination(route, address, FAMILY);
  const result = I32(bpf_fib_lookup(packet, route, sizeOf(FibLookup), 0));
  return result === BPF_FIB_LKUP_RET_SUCCESS || result === BPF_FIB_LKUP_RET_NO_NEIGH;
}

/** XDP: TC has to send the packet, by way of the neighbour table, or to an interface that takes none from XDP. */
export function isForTc(packet: Packet, hop: Hop, way: Way): boolean {
  if (HOOK !== XDP) return false;
  return way.outcome >= HOP_UNRESOLVED || ((hop.flags & HOP_BY_XDP) === 0 && ((hop.flags & HOP_WITHOUT_TX) !== 0 || hop.ifindex !== packet.ifindex));
}

/** Sends the packet, whole but for its MAC addresses, along the way. The last step of every forwarding. */
export function transmit(packet: Packet, hop: Hop, way: Way): i32 {
  if (HOOK !== XDP && way.outcome !== HOP_KNOWN) {
    if (way.outcome === HOP_OWN) return toOwnClient(packet);
    return I32(bpf_redirect_neigh(way.ifindex, neighbourOf(way), sizeOf(Neighbour), 0n));
  }
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return drop(Verdict.rewriteFailed);
  ethernet.destination = hop.destination;
  ethernet.source = hop.source;
  if (HOOK === XDP && hop.ifindex === packet.ifindex && (hop.flags & HOP_WITHOUT_TX) === 0) return XDP_TX;
  if (HOOK !== XDP && (hop.flags & HOP_BY_PEER) !== 0) return I32(bpf_redirect_peer(hop.ifindex, 0n));
  return I32(bpf_redirect(hop.ifindex, 0n));
}

/** An answer, from the VIP again, or an error, to the process here that waits for it (own.ts). */
function toOwnClient(packet: Packet): i32 {
  packet.tcIndex = ANSWERED_OWN;
  return toLoopback(packet);
}

/** The packet comes in by the loopback. */
export function toLoopback(packet: Packet): i32 {
  const ends = packet.view(LinkEnds, 0);
  if (ends === null) return drop(Verdict.rewriteFailed);
  // The loopback's own address, at both ends: eth_type_trans() takes others for other hosts', and sendBack() knows by it what came from here.
  ends.destination = 0;
  ends.destinationEnd = 0;
  ends.source = 0;
  ends.sourceEnd = 0;
  return I32(bpf_redirect(LOOPBACK_IFINDEX, BPF_F_INGRESS));
}
/** In the packet's tc_index: it is no request, to whichever port. */
export const ANSWERED_OWN = 0x7767;

/**
 * Sends what weir made of a packet back to its sender, whose MAC address has become the frame's destination, and counts it by
 * the verdict. A packet that came by way of the stack has one MAC address for both ends, and its sender is the director itself (own.ts), or where
 * the routes say (marked.ts).
 */
export function sendBack(packet: Packet, sender: Address, verdict: u32): i32 {
  const ends = packet.view(LinkEnds, 0);
  if (ends === null) return drop(Verdict.rewriteFailed);
  if (likely(ends.source !== ends.destination || ends.sourceEnd !== ends.destinationEnd)) {
    count(verdict);
    return I32(bpf_redirect(packet.ifindex, 0n));
  }
  if (packet.ifindex === LOOPBACK_IFINDEX) {
    count(verdict);
    return toOwnClient(packet);
  }
  const route = make(FibLookup, { family: FAMILY === IPV6 ? AF_INET6 : AF_INET, lengthOrMtu: 1, ifindex: LOOPBACK_IFINDEX });
  setDestination(route, sender, FAMILY);
  const result = I32(bpf_fib_lookup(packet, route, sizeOf(FibLookup), 0));
  if (result !== BPF_FIB_LKUP_RET_SUCCESS && result !== BPF_FIB_LKUP_RET_NO_NEIGH) return drop(Verdict.noRoute);
  const neighbour = make(Neighbour, { family: route.family });
  neighbour.address = route.destination;
  count(verdict);
  return I32(bpf_redirect_neigh(route.ifindex, neighbour, sizeOf(Neighbour), 0n));
}

/** An Ethernet header's addresses as numbers, to be compared. */
export const LinkEnds = struct("LinkEnds", { destination: U32, destinationEnd: u16, source: U32, sourceEnd: u16 }, { size: 12, packed: true });

function neighbourOf(way: Way): View<typeof Neighbour> {
  const neighbour = make(Neighbour, { family: way.neighbourFamily });
  neighbour.address = way.neighbour;
  return neighbour;
}
