// Generic Routing Encapsulation: four bytes, or eight with a checksum. Linux v6.12 net/netfilter/ipvs/ip_vs_xmit.c, ipvs_gre_encap().

import type { Be16, u32 } from "#layout/numbers.js";
import { be16, u16, u32 as U32 } from "#layout/numbers.js";
import type { Packet } from "#prelude/packet.js";
import { fold } from "#wire/checksum.js";
import { ETH_P_IP, ETH_P_IPV6 } from "#wire/ethernet.js";
import { GRE_CSUM, GRE_PLAIN, Gre, GreChecksum } from "#wire/gre.js";
import { FAMILY, IPV6 } from "../../config.js";
import { NO_SUM } from "./inner.js";

export const GRE_BYTES = Gre.size;
export const GRE_CHECKSUM_BYTES = Gre.size + GreChecksum.size;
/** The kernel's flag for the room that it takes. Linux include/uapi/linux/bpf.h, BPF_F_ADJ_ROOM_ENCAP_L4_GRE. */
export const GRE_ROOM = 1n << 3n;

/** Without a checksum, at `at`. False when the packet is too short after all. */
export function writeGre(packet: Packet, at: u32): boolean {
  const gre = packet.view(Gre, at);
  if (gre === null) return false;
  gre.flagsAndVersion = GRE_PLAIN;
  gre.protocol = FAMILY === IPV6 ? ETH_P_IPV6 : ETH_P_IP;
  return true;
}

/** With one. `sum`: of the packet inside (innerSum()); false without one. */
export function writeGreChecksum(packet: Packet, at: u32, sum: u32): boolean {
  const gre = packet.view(Gre, at);
  const check = packet.view(GreChecksum, at + Gre.size);
  if (gre === null || check === null || sum === NO_SUM) return false;
  gre.flagsAndVersion = GRE_CSUM;
  gre.protocol = FAMILY === IPV6 ? ETH_P_IPV6 : ETH_P_IP;
  check.reserved = be16(0);
  check.checksum = u16(~fold(U32(gre.flagsAndVersion) + U32(gre.protocol) + sum)) as Be16;
  return true;
}
