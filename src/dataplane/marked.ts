// Packets with a firewall mark that netfilter gave them: TC and XDP ran before, so control/mark-return.ts routes them back here, through
// a device of weir's own. Only first packets come: once a connection stands, its packets are found where they arrive.
//
//   NIC ─▶ weir_tc: none of ours ─▶ PREROUTING: mark N ─▶ rule: fwmark N ─▶ weir-marks ═ weir-back ─▶ here ─▶ weir_tc: service of mark N

import type { Be16, i32 } from "#layout/numbers.js";
import { be16, u16, u32 as U32 } from "#layout/numbers.js";
import { bpf_tail_call } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { ETH_P_IP, ETH_P_IPV6, Ethernet } from "#wire/ethernet.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Ipv6 } from "#wire/ipv6.js";
import { NETWORK_AT } from "./flow.js";
import { PROGRAM_TC, tcPrograms } from "./maps.js";

export function takeBack(packet: Packet): i32 {
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return TC_ACT_UNSPEC;
  if (ethernet.etherType === ETH_P_IP) renew4(packet);
  else if (ethernet.etherType === ETH_P_IPV6) renew6(packet);
  bpf_tail_call(packet, tcPrograms, PROGRAM_TC);
  return TC_ACT_UNSPEC;
}

/** ip_forward() took one hop from its time to live, and so will weir: LVS takes one. The opposite of network/ipv4.ts, age(). */
function renew4(packet: Packet): void {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return;
  const sum = U32(ip.checksum) + U32(be16(0xfeff));
  ip.checksum = u16(sum + ((sum + 1) >>> 16)) as Be16;
  ip.ttl += 1;
}

function renew6(packet: Packet): void {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip !== null) ip.hopLimit += 1;
}
