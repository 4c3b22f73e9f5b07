// NAT: the request's destination becomes the real server's address and port, the answer's source becomes the VIP's again.
// Linux v6.12 net/netfilter/ipvs/ip_vs_xmit.c, ip_vs_nat_xmit(); ip_vs_core.c, handle_response();
// ip_vs_proto_tcp.c, ip_vs_proto_udp.c and ip_vs_proto_sctp.c, *_dnat_handler(), *_snat_handler(); AH and ESP have none.

import type { Be16, i32, u32, u64 } from "#layout/numbers.js";
import { Be16 as Be16Type, be16, u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { bpf_l4_csum_replace } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { difference16, fold, replace } from "#wire/checksum.js";
import { crcDifference } from "#wire/crc32c.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { Sctp } from "#wire/sctp.js";
import { TCP_CHECKSUM_OFFSET } from "#wire/tcp.js";
import { UDP_CHECKSUM_OFFSET } from "#wire/udp.js";
import { CSUM_KNOWS_IPV6, FAMILY, HOOK, IPV6, SCTP_AND_IPSEC, TRANSPORTS, XDP } from "../config.js";
import { serverOf, virtualOf } from "../connection.js";
import type { Way } from "../hop.js";
import { transmit } from "../hop.js";
import type { Flow } from "../flow.js";
import { NETWORK_AT } from "../flow.js";
import type { Connection, Hop } from "../maps.js";
import { addressDifference, age, isFragment, setDestination, setSource } from "../network.js";
import { Ports } from "../transport.js";
import { Verdict, drop } from "../verdict.js";

export const Checksum = struct("TransportChecksum", { checksum: Be16Type }, { size: 2 });

/** Linux include/uapi/linux/bpf.h: the address is part of the pseudo-header; a UDP checksum of 0 stays, and none becomes 0. */
const BPF_F_PSEUDO_HDR = 0x10n;
const BPF_F_MARK_MANGLED_0 = 0x20n;
/** Linux 6.16: IPv6 has no header checksum that would make up for the address in a device's sum over the whole packet. */
const BPF_F_IPV6 = 0x80n;

export function forwardMasquerade(packet: Packet, flow: Flow, connection: Connection, hop: Hop, way: Way): i32 {
  if (!masquerade(packet, flow, connection) || !age(packet)) return drop(Verdict.rewriteFailed);
  return transmit(packet, hop, way);
}

/** The other way: a real server's answer gets the VIP as its source. */
export function answerMasquerade(packet: Packet, flow: Flow, connection: Connection, hop: Hop, way: Way): i32 {
  if (!masqueradeAnswer(packet, flow, connection) || !age(packet)) return drop(Verdict.rewriteFailed);
  return transmit(packet, hop, way);
}

// What changes in the packet, wherever it goes then. They are false when it is too short after all.

export function masquerade(packet: Packet, flow: Flow, connection: Connection): boolean {
  const address = serverOf(connection);
  const port = connection.destinationPort;
  if (!fixChecksum(packet, flow, flow.destination, address, flow.destinationPort, port) || !setDestination(packet, address)) return false;
  if (flow.follows !== 0) return true;
  const ports = packet.view(Ports, flow.transportAt);
  if (ports === null || !fixCrc(packet, flow, U32(flow.destinationPort ^ port) << 16)) return false;
  ports.destination = port;
  return true;
}

export function masqueradeAnswer(packet: Packet, flow: Flow, connection: Connection): boolean {
  const address = virtualOf(connection);
  const port = connection.virtualPort;
  if (!fixChecksum(packet, flow, flow.source, address, flow.sourcePort, port) || !setSource(packet, address)) return false;
  if (flow.follows !== 0) return true;
  const ports = packet.view(Ports, flow.transportAt);
  if (ports === null || !fixCrc(packet, flow, U32(flow.sourcePort ^ port))) return false;
  ports.source = port;
  return true;
}

/** TCP's or UDP's checksum for an address and a port that change. False when the packet is too short after all. */
function fixChecksum(packet: Packet, flow: Flow, address: Address, newAddress: Address, port: Be16, newPort: Be16): boolean {
  if (TRANSPORTS === SCTP_AND_IPSEC) return true;
  const at = flow.transportAt + (flow.protocol === IPPROTO_TCP ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET);
  return HOOK === XDP
    ? fixInPlace(packet, at, flow.protocol === IPPROTO_TCP, address, newAddress, port, newPort)
    : fixByKernel(packet, at, flow.protocol === IPPROTO_TCP, address, newAddress, port, newPort);
}

/** TC: the sender may have left the checksum to its device (CHECKSUM_PARTIAL), which only the kernel's helper knows. */
function fixByKernel(packet: Packet, at: u32, isTcp: boolean, address: Address, newAddress: Address, port: Be16, newPort: Be16): boolean {
  const flags = isTcp ? 0n : BPF_F_MARK_MANGLED_0;
  if (!replaceAddress(packet, at, address, newAddress, flags | BPF_F_PSEUDO_HDR)) return false;
  if (port === newPort) return true;
  return bpf_l4_csum_replace(packet, at, U64(port), U64(newPort), flags | 2n) === 0n;
}

function replaceAddress(packet: Packet, at: u32, address: Address, newAddress: Address, flags: u64): boolean {
  if (FAMILY !== IPV6) return bpf_l4_csum_replace(packet, at, address.low, newAddress.low, flags | 4n) === 0n;
  // A sum of ~m + m', folded, is what bpf_csum_diff() gives.
  const difference = U64(fold(addressDifference(address, newAddress)));
  return bpf_l4_csum_replace(packet, at, 0n, difference, flags | (CSUM_KNOWS_IPV6 ? BPF_F_IPV6 : 0n)) === 0n;
}

/** XDP: frames carry whole checksums. RFC 768: a UDP checksum of 0 means none, and one that comes out as 0 is sent as 0xffff. */
function fixInPlace(packet: Packet, at: u32, isTcp: boolean, address: Address, newAddress: Address, port: Be16, newPort: Be16): boolean {
  const transport = packet.view(Checksum, at);
  if (transport === null) return false;
  if (!isTcp && transport.checksum === be16(0)) return true;
  const checksum = replace(transport.checksum, addressDifference(address, newAddress) + difference16(port, newPort));
  transport.checksum = !isTcp && checksum === be16(0) ? be16(0xffff) : checksum;
  return true;
}

/**
 * SCTP's, which is over its own bytes alone, for ports that change by `difference`, as the host loads both. One that is zero
 * stays so: RFC 9653, where the ends do without; and a sender that leaves it to its device (CHECKSUM_PARTIAL) sends zero,
 * which cannot be told from that, and the device fills it in with the ports that it finds. LVS differs: it computes it anew.
 */
function fixCrc(packet: Packet, flow: Flow, difference: u32): boolean {
  if (TRANSPORTS !== SCTP_AND_IPSEC || difference === 0) return true;
  const sctp = packet.view(Sctp, flow.transportAt);
  if (sctp === null) return false;
  if (sctp.checksum === 0) return true;
  // How far the ports are from the end of a packet in fragments, the first does not tell.
  if (HOOK !== XDP && isFragment(packet)) return false;
  sctp.checksum ^= crcDifference(difference, flow.bytes + NETWORK_AT - flow.transportAt);
  return true;
}
