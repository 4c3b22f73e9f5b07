// Direct routing (DR): the packet as it is, one hop older, to the real server's MAC address. The real server holds the
// VIP itself and answers the client directly. Linux v6.12 net/netfilter/ipvs/ip_vs_xmit.c, ip_vs_dr_xmit().

import type { i32 } from "#layout/numbers.js";
import type { Packet } from "#prelude/packet.js";
import type { Way } from "../hop.js";
import { transmit } from "../hop.js";
import type { Hop } from "../maps.js";
import { age } from "../network.js";
import { Verdict, drop } from "../verdict.js";

export function forwardRoute(packet: Packet, hop: Hop, way: Way): i32 {
  if (!age(packet)) return drop(Verdict.rewriteFailed);
  return transmit(packet, hop, way);
}
