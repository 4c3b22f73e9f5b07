// What moves the packet at XDP: Linux net/core/filter.c, bpf_xdp_adjust_head() and bpf_xdp_adjust_tail().

import { EINVAL } from "../errors.js";
import type { HelperFunctions } from "../helpers.js";

const ETH_HLEN = 14;
/** struct xdp_frame, which the kernel may put at the headroom's start. */
const FRAME_BYTES = 40;
/** A page holds headroom, packet and, at its end, struct skb_shared_info. */
const PAGE_BYTES = 4096;
const SHARED_INFO_BYTES = 320;

export const xdpHelpers: HelperFunctions = {
  bpf_xdp_adjust_head: (x) => {
    x.expectContext(1);
    const { packet } = x;
    const difference = x.argument32(2) | 0;
    const possible = packet.headroom + difference >= FRAME_BYTES && packet.length - difference >= ETH_HLEN;
    if (possible) packet.growHead(-difference);
    packet.invalidate("bpf_xdp_adjust_head");
    return possible ? 0 : -EINVAL;
  },

  bpf_xdp_adjust_tail: (x) => {
    x.expectContext(1);
    const { packet } = x;
    const difference = x.argument32(2) | 0;
    const fits = difference <= 0 || packet.headroom + packet.length + difference <= PAGE_BYTES - SHARED_INFO_BYTES;
    const possible = fits && packet.length + difference >= ETH_HLEN;
    if (possible) packet.growTail(difference);
    packet.invalidate("bpf_xdp_adjust_tail");
    return possible ? 0 : -EINVAL;
  },
};
