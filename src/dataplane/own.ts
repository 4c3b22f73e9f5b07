// Clients on the director itself: LVS finds their packets as they leave (NF_INET_LOCAL_OUT: ip_vs_core.c, ip_vs_local_request4()). To a VIP that is an
// address of the director's they go by the loopback, where this program hands them to weir_tc; to others by an interface, whose egress sends them here
// (out.ts). What a real server answers by NAT goes back by the loopback too (hop.ts, toOwnClient()): by another interface the stack takes no packet from the
// VIP where that is its own address, or where the routes to it lead elsewhere (rp_filter).
//
//   process ─▶ lo ─▶ here ─▶ weir_tc ─▶ NIC ─▶ real server          real server ─▶ NIC ─▶ weir_tc: from the VIP ─▶ lo ─▶ here: let by ─▶ process

import type { i32 } from "#layout/numbers.js";
import { bpf_tail_call } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { ANSWERED_OWN } from "./hop.js";
import { PROGRAM_TC, tcPrograms } from "./maps.js";

export function takeOwn(packet: Packet): i32 {
  if (packet.tcIndex === ANSWERED_OWN) return TC_ACT_UNSPEC;
  bpf_tail_call(packet, tcPrograms, PROGRAM_TC);
  return TC_ACT_UNSPEC;
}
