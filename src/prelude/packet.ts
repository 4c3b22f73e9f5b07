// The packet as kernel TypeScript sees it: the argument of every entry function. At XDP it stands for struct xdp_md, at
// TC for struct __sk_buff; a property is one load from that context.

import type { u32 } from "#layout/numbers.js";
import type { StructType, View } from "#layout/struct.js";

export interface Packet {
  /**
   * The `type.size` bytes at `offset` (from the Ethernet header) as a view, or null when the packet is shorter or those
   * bytes are not in its linear part. Test it against null before use. After a helper that moves the packet, old views
   * are refused by the compiler: ask again.
   */
  view<S extends StructType<any, any>>(type: S, offset: u32): View<S> | null;
  /** Bytes that view() can reach: data_end - data. */
  readonly linear: u32;
  /** Bytes in all, Ethernet header included. At XDP the same as `linear`. */
  readonly length: u32;
  /** The interface that it came in by, or, as it leaves, by which it does. */
  readonly ifindex: u32;
  /** TC only: the interface that it came in by, as it leaves too; 0: the stack made it. */
  readonly ingressIfindex: u32;
  /** TC only. */
  readonly mark: u32;
  /** TC only: EtherType, as a big-endian 16-bit number in a u32. */
  readonly protocol: u32;
  /** TC only: payload bytes a segment of a super-packet (GSO), 0 when it is a single frame. */
  readonly gsoSize: u32;
  /** TC only. */
  readonly gsoSegments: u32;
  /** TC only: struct __sk_buff's pkt_type, PACKET_HOST 0. */
  readonly packetType: u32;
  /** TC only: 1 when a VLAN tag stands beside the packet, not in it. */
  readonly vlanPresent: u32;
  /** TC only: a number that stays with the packet while the stack has it; a program may change it. */
  tcIndex: u32;
}

export interface ContextField {
  readonly offset: number;
  readonly bits: 32;
  readonly writable?: boolean;
}

/** Offsets in Linux include/uapi/linux/bpf.h, struct xdp_md and struct __sk_buff. `length` at XDP is computed. */
export const contextFields: { readonly [program: string]: { readonly [property: string]: ContextField } } = {
  xdp: {
    data: { offset: 0, bits: 32 }, dataEnd: { offset: 4, bits: 32 },
    ifindex: { offset: 12, bits: 32 },
  },
  tc: {
    data: { offset: 76, bits: 32 }, dataEnd: { offset: 80, bits: 32 },
    length: { offset: 0, bits: 32 }, packetType: { offset: 4, bits: 32 }, mark: { offset: 8, bits: 32, writable: true },
    protocol: { offset: 16, bits: 32 }, vlanPresent: { offset: 20, bits: 32 }, ingressIfindex: { offset: 36, bits: 32 }, ifindex: { offset: 40, bits: 32 },
    tcIndex: { offset: 44, bits: 32, writable: true },
    gsoSegments: { offset: 164, bits: 32 }, gsoSize: { offset: 176, bits: 32 },
  },
};

/** Linux include/uapi/linux/if_packet.h: the frame's destination is this interface's own address. */
export const PACKET_HOST = 0;

/** Linux include/uapi/linux/bpf.h, enum xdp_action. */
export const XDP_ABORTED = 0;
export const XDP_DROP = 1;
export const XDP_PASS = 2;
export const XDP_TX = 3;
export const XDP_REDIRECT = 4;

/** Linux include/uapi/linux/pkt_cls.h; TC_ACT_UNSPEC goes on to the next program (TCX_NEXT). */
export const TC_ACT_UNSPEC = -1;
export const TC_ACT_OK = 0;
export const TC_ACT_SHOT = 2;
export const TC_ACT_REDIRECT = 7;
