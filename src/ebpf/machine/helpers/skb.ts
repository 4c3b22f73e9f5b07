// A packet at TC: Linux net/core/filter.c, bpf_skb_store_bytes() and after. A packet there may have bytes outside its
// linear part; helpers pull in what they write.

import { EALREADY, EFAULT, EINVAL, ENOMEM, ENOTSUPP } from "../errors.js";
import type { Execution } from "../execution.js";
import type { HelperFunctions } from "../helpers.js";

const INT_MAX = 0x7fff_ffff;
const BPF_F_RECOMPUTE_CSUM = 1n;
const BPF_F_INVALIDATE_HASH = 2n;
/** SKB_MAX_ALLOC, with pages of 4 KB: four pages without struct skb_shared_info. */
const LENGTH_MAX = 4 * 4096 - 320;

const BPF_ADJ_ROOM_NET = 0;
const BPF_ADJ_ROOM_MAC = 1;
const FIXED_GSO = 1 << 0;
const ENCAP_L3_IPV4 = 1 << 1;
const ENCAP_L3_IPV6 = 1 << 2;
const ENCAP_L4_GRE = 1 << 3;
const ENCAP_L4_UDP = 1 << 4;
const NO_CSUM_RESET = 1 << 5;
const ENCAP_L2_ETH = 1 << 6;
const DECAP_L3_IPV4 = 1 << 7;
const DECAP_L3_IPV6 = 1 << 8;
/** Above 32 bits: the length of an inner layer 2 header. */
const ENCAP_L2_SHIFT = 56n;
const ADJUST_FLAGS = (0xffn << ENCAP_L2_SHIFT) | 0x1ffn;

/** EtherTypes as __sk_buff has them: 16 bits in network order, loaded by a little-endian host. */
const ETH_P_IP = 0x0008;
const ETH_P_IPV6 = 0xdd86;
const ETH_HLEN = 14;
/** The headers of IPv4 and IPv6: 20 and 40 bytes. */
const FAMILIES_DIFFER = 20;

export const skbHelpers: HelperFunctions = {
  bpf_skb_store_bytes: (x) => moved(x, "bpf_skb_store_bytes", () => {
    const offset = x.argument32(2);
    const size = x.argument32(4);
    // Copied first: what it points to may be the packet.
    const from = x.argumentBytes(3, size, "read").slice();
    if (x.argument64(5) & ~(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH)) return -EINVAL;
    if (offset > INT_MAX || !makeWritable(x, offset + size)) return -EFAULT;
    x.packet.bytes.set(from, offset);
    return 0;
  }),

  bpf_skb_load_bytes: (x) => {
    x.expectContext(1);
    const offset = x.argument32(2);
    const size = x.argument32(4);
    const to = x.argumentBytes(3, size, "write");
    const beyond = offset > INT_MAX || offset + size > x.packet.length;
    if (beyond) to.fill(0);
    else to.set(x.packet.bytes.subarray(offset, offset + size));
    return beyond ? -EFAULT : 0;
  },

  bpf_skb_pull_data: (x) => moved(x, "bpf_skb_pull_data", () => {
    const length = x.argument32(2);
    return makeWritable(x, length === 0 ? x.packet.linear : length) ? 0 : -ENOMEM;
  }),

  bpf_skb_change_tail: (x) => moved(x, "bpf_skb_change_tail", () => {
    const length = x.argument32(2);
    if (x.argument64(3) !== 0n || length > LENGTH_MAX || length < x.networkOffset) return -EINVAL;
    if (x.encapsulated) return -ENOTSUPP;
    makeWritable(x, x.packet.length);
    x.packet.growTail(length - x.packet.length);
    x.context!.set({ gsoSize: 0, gsoSegments: 0 });
    return 0;
  }),

  bpf_skb_change_head: (x) => moved(x, "bpf_skb_change_head", () => {
    const headroom = x.argument32(2);
    const tooLong = x.packet.length + headroom > LENGTH_MAX && x.context!.get("gsoSize") === 0;
    if (x.argument64(3) !== 0n || headroom > INT_MAX || tooLong) return -EINVAL;
    x.packet.growAt(0, headroom);
    // The link layer's header grew; the network header stays where it was in memory.
    x.networkOffset += headroom;
    return 0;
  }),

  bpf_skb_change_proto: (x) => moved(x, "bpf_skb_change_proto", () => {
    if (x.argument64(3) !== 0n) return -EINVAL;
    return changeFamily(x, x.context!.get("protocol"), x.argument32(2) & 0xffff);
  }),

  bpf_skb_adjust_room: (x) => moved(x, "bpf_skb_adjust_room", () => adjustRoom(x, x.argument32(2) | 0, x.argument32(3), x.argument64(4))),
};

/** Runs a helper that may move the packet: the kernel's verifier holds old addresses for invalid even when it failed. */
export function moved(x: Execution, name: string, helper: () => number): number {
  x.expectContext(1);
  const result = helper();
  x.packet.invalidate(name);
  x.context!.set({ length: x.packet.length });
  return result;
}

/** The first `length` bytes become linear: bpf_try_make_writable(). */
export const makeWritable = (x: Execution, length: number): boolean => x.packet.pull(length);

/** bpf_skb_proto_xlat() */
function changeFamily(x: Execution, from: number, to: number): number {
  const toIpv6 = from === ETH_P_IP && to === ETH_P_IPV6;
  if (!toIpv6 && !(from === ETH_P_IPV6 && to === ETH_P_IP)) return -ENOTSUPP;
  const at = x.networkOffset;
  if (!makeWritable(x, toIpv6 ? at : at + FAMILIES_DIFFER)) return -ENOMEM;
  x.packet.growAt(at, toIpv6 ? FAMILIES_DIFFER : -FAMILIES_DIFFER);
  x.context!.set({ protocol: to });
  return 0;
}

function adjustRoom(x: Execution, difference: number, mode: number, flags64: bigint): number {
  if (flags64 & ~ADJUST_FLAGS) return -EINVAL;
  if (Math.abs(difference) > 0xfff) return -EFAULT;
  const base = networkHeaderBytes(x);
  if (base === undefined) return -ENOTSUPP;
  if (mode !== BPF_ADJ_ROOM_NET && mode !== BPF_ADJ_ROOM_MAC) return -ENOTSUPP;
  const at = x.networkOffset + (mode === BPF_ADJ_ROOM_NET ? base : 0);
  const flags = Number(BigInt.asUintN(32, flags64));
  const refused = difference < 0
    ? refuseShrink(x, -difference, base, flags, at)
    : refuseGrow(x, difference, flags, Number(flags64 >> ENCAP_L2_SHIFT));
  if (refused !== 0) return refused;
  // skb_postpull_rcsum(), before it is taken off.
  if (difference < 0 && x.checksumStart < 0) x.checksumPartial = false;
  x.packet.growAt(at, difference);
  x.checksumStart += difference;
  if (difference < 0) changeProtocol(x, flags & DECAP_L3_IPV4, flags & DECAP_L3_IPV6);
  else if (flags & (ENCAP_L3_IPV4 | ENCAP_L3_IPV6)) {
    x.encapsulated = true;
    changeProtocol(x, flags & ENCAP_L3_IPV4, flags & ENCAP_L3_IPV6);
  }
  adjustGso(x, difference, flags);
  return 0;
}

function refuseShrink(x: Execution, bytes: number, base: number, flags: number, at: number): number {
  const decap = flags & (DECAP_L3_IPV4 | DECAP_L3_IPV6);
  if (decap === (DECAP_L3_IPV4 | DECAP_L3_IPV6)) return -EINVAL;
  const least = decap === 0 ? base : decap === DECAP_L3_IPV4 ? 20 : 40;
  const current = x.packet.length - x.networkOffset;
  if (bytes >= current || current - bytes < least) return -ENOTSUPP;
  if (flags & ~(FIXED_GSO | DECAP_L3_IPV4 | DECAP_L3_IPV6 | NO_CSUM_RESET)) return -EINVAL;
  return makeWritable(x, at + bytes) ? 0 : -ENOMEM;
}

function refuseGrow(x: Execution, bytes: number, flags: number, innerMacBytes: number): number {
  if (flags & (DECAP_L3_IPV4 | DECAP_L3_IPV6)) return -EINVAL;
  if (x.packet.length + bytes > LENGTH_MAX && x.context!.get("gsoSize") === 0) return -ENOTSUPP;
  if (!(flags & (ENCAP_L3_IPV4 | ENCAP_L3_IPV6))) return 0;
  if (flags & ENCAP_L3_IPV4 && flags & ENCAP_L3_IPV6) return -EINVAL;
  if (flags & ENCAP_L4_GRE && flags & ENCAP_L4_UDP) return -EINVAL;
  if (flags & ENCAP_L2_ETH && innerMacBytes < ETH_HLEN) return -EINVAL;
  if (x.encapsulated) return -EALREADY;
  return innerMacBytes > bytes ? -EINVAL : 0;
}

/** bpf_skb_net_base_len(); undefined when the packet is neither IPv4 nor IPv6. */
function networkHeaderBytes(x: Execution): number | undefined {
  const protocol = x.context!.get("protocol");
  return protocol === ETH_P_IP ? 20 : protocol === ETH_P_IPV6 ? 40 : undefined;
}

function changeProtocol(x: Execution, toIpv4: number, toIpv6: number): void {
  if (toIpv4) x.context!.set({ protocol: ETH_P_IP });
  if (toIpv6) x.context!.set({ protocol: ETH_P_IPV6 });
}

/** Headers that grew leave less of the MTU to each segment; how many there are, the kernel counts again later. */
function adjustGso(x: Execution, difference: number, flags: number): void {
  const size = x.context!.get("gsoSize");
  if (size !== 0) x.context!.set({ gsoSize: flags & FIXED_GSO ? size : size - difference, gsoSegments: 0 });
}
