// IEEE 802.3 Ethernet II frames: the outermost header of every packet here.

import type { Branded } from "#layout/numbers.js";
import { Be16, be16, distinct, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";

export type EtherType = Branded<number, "EtherType">;
export const EtherType = distinct<EtherType>("EtherType", Be16);

/** Names as Linux include/uapi/linux/if_ether.h spells them. */
export const ETH_P_IP = be16(0x0800) as number as EtherType;
export const ETH_P_ARP = be16(0x0806) as number as EtherType;
export const ETH_P_IPV6 = be16(0x86dd) as number as EtherType;
export const ETH_P_8021Q = be16(0x8100) as number as EtherType;

/** 14 bytes. */
export const Ethernet = struct("Ethernet", {
  destination: array(u8, 6),
  source: array(u8, 6),
  etherType: EtherType,
}, { size: 14, packed: true });
export type Ethernet = View<typeof Ethernet>;
