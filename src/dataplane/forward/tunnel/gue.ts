// Generic UDP Encapsulation: UDP and four bytes. Linux v6.12 net/netfilter/ipvs/ip_vs_xmit.c, ipvs_gue_encap().

import type { u32 } from "#layout/numbers.js";
import { Be16, be16, u16, u32 as U32, u64 } from "#layout/numbers.js";
import type { Packet } from "#prelude/packet.js";
import { fold, words64 } from "#wire/checksum.js";
import { GUE_PLAIN, Gue } from "#wire/gue.js";
import { IPPROTO_UDP } from "#wire/ipv4.js";
import { Udp } from "#wire/udp.js";
import { hashOf } from "../../connection.js";
import type { Connection, Destination } from "../../maps.js";
import type { Inner } from "./inner.js";
import { NO_SUM } from "./inner.js";
import { ipipProtocol } from "./ipip.js";
import { lengthField } from "./outer.js";

export const GUE_BYTES = Udp.size + Gue.size;
/** The kernel's flag for the room that it takes. Linux include/uapi/linux/bpf.h, BPF_F_ADJ_ROOM_ENCAP_L4_UDP. */
export const GUE_ROOM = 1n << 4n;

/** Linux net.ipv4.ip_local_port_range, as it is by default: udp_flow_src_port() takes ports from there. */
const SOURCE_PORT_FIRST = 32768n;
const SOURCE_PORTS = 60999n - SOURCE_PORT_FIRST;

/** Both headers at `at`. `sum`: of the packet inside (innerSum()), or NO_SUM for no checksum. False when the packet is too short after all. */
export function writeGue(packet: Packet, at: u32, connection: Connection, destination: Destination, inner: Inner, sum: u32): boolean {
  const udp = packet.view(Udp, at);
  const gue = packet.view(Gue, at + Udp.size);
  if (udp === null || gue === null) return false;
  gue.versionAndLength = GUE_PLAIN;
  gue.protocol = ipipProtocol();
  gue.flags = be16(0);
  const length = lengthField(GUE_BYTES + inner.bytes);
  udp.source = sourcePort(connection);
  udp.destination = destination.tunnelPort;
  udp.length = length;
  udp.checksum = be16(0);
  if (sum === NO_SUM) return true;
  const pseudo = words64(destination.tunnelSource.high) + words64(destination.tunnelSource.low) + words64(destination.address.high)
    + words64(destination.address.low) + U32(be16(U32(IPPROTO_UDP))) + U32(length);
  const headers = U32(udp.source) + U32(udp.destination) + U32(length) + (U32(gue.protocol) << 8);
  const checksum = u16(~fold(pseudo + headers + sum)) as Be16;
  // RFC 768: zero would mean that there is none.
  udp.checksum = checksum === be16(0) ? be16(0xffff) : checksum;
  return true;
}

/** One for each client's end, so that routers and receivers spread flows by it. LVS differs: from a hash of its own. */
function sourcePort(connection: Connection): Be16 {
  const hash = hashOf(u64(connection.clientAddress) | (u64(connection.clientPort) << 32n) | (u64(connection.protocol) << 48n)) >> 32n;
  return be16(U32(((hash * SOURCE_PORTS) >> 32n) + SOURCE_PORT_FIRST));
}
