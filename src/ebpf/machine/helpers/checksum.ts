// Checksums of a packet under change: Linux net/core/filter.c, bpf_l3_csum_replace(), bpf_l4_csum_replace(),
// bpf_csum_diff(), and net/core/utils.c, inet_proto_csum_replace4() and inet_proto_csum_replace_by_diff().

import { csumAdd, csumFold, csumFrom32to16, csumPartial, csumReplace2, csumReplace4, csumReplaceByDiff, csumSub } from "../checksum.js";
import { EFAULT, EINVAL } from "../errors.js";
import type { Execution } from "../execution.js";
import type { HelperFunctions } from "../helpers.js";
import { makeWritable, moved } from "./skb.js";

const BPF_F_HDR_FIELD_MASK = 0xfn;
const BPF_F_PSEUDO_HDR = 1n << 4n;
const BPF_F_MARK_MANGLED_0 = 1n << 5n;
const BPF_F_MARK_ENFORCE = 1n << 6n;
const BPF_F_IPV6 = 1n << 7n;
const L4_FLAGS = BPF_F_HDR_FIELD_MASK | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_IPV6;
const CSUM_MANGLED_0 = 0xffff;

/** A change that the checksum covers: as 64-bit arguments carry it. */
interface Change {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

export const skbChecksumHelpers: HelperFunctions = {
  bpf_l3_csum_replace: (x) => moved(x, "bpf_l3_csum_replace", () => {
    const flags = x.argument64(5);
    if (flags & ~BPF_F_HDR_FIELD_MASK) return -EINVAL;
    return replaceAt(x, Number(flags), (check, { size, from, to }) =>
      size === 0 ? csumReplaceByDiff(check, to) : size === 2 ? csumReplace2(check, from, to) : csumReplace4(check, from, to));
  }),

  bpf_l4_csum_replace: (x) => moved(x, "bpf_l4_csum_replace", () => {
    const flags = x.argument64(5);
    if (flags & ~L4_FLAGS) return -EINVAL;
    const pseudoHeader = (flags & BPF_F_PSEUDO_HDR) !== 0n;
    const markZero = (flags & BPF_F_MARK_MANGLED_0) !== 0n;
    return replaceAt(x, Number(flags & BPF_F_HDR_FIELD_MASK), (check, change) => {
      // UDP's zero means that there is no checksum: it stays, and no computed checksum may become it (RFC 768).
      if (markZero && check === 0 && !(flags & BPF_F_MARK_ENFORCE)) return 0;
      const replaced = replaceTransport(x, check, change, pseudoHeader);
      return markZero && replaced === 0 ? CSUM_MANGLED_0 : replaced;
    });
  }),
};

/** At both hooks. */
export const checksumHelpers: HelperFunctions = {
  bpf_csum_diff: (x) => {
    const fromSize = x.argument32(2);
    const toSize = x.argument32(4);
    if ((fromSize | toSize) & 3) return -EINVAL;
    const from = x.argumentBytes(1, fromSize, "read");
    const to = x.argumentBytes(3, toSize, "read");
    const seed = x.argument32(5);
    return csumFrom32to16(fromSize === 0 ? csumPartial(to, seed)
      : toSize === 0 ? ~csumPartial(from, ~seed)
      : csumSub(csumPartial(to, seed), csumPartial(from, 0)));
  },
};

function replaceAt(x: Execution, size: number, replace: (check: number, change: Change) => number): number {
  const offset = x.argument32(2);
  if (offset > 0xffff || offset & 1) return -EFAULT;
  if (!makeWritable(x, offset + 2)) return -EFAULT;
  if (size !== 0 && size !== 2 && size !== 4) return -EINVAL;
  if (size === 0 && x.argument64(3) !== 0n) return -EINVAL;
  const mask = size === 2 ? 0xffff : 0xffff_ffff;
  const bytes = x.packet.bytes;
  const check = replace(bytes[offset]! | (bytes[offset + 1]! << 8), { size, from: x.argument32(3) & mask, to: x.argument32(4) & mask });
  bytes[offset] = check;
  bytes[offset + 1] = check >>> 8;
  return 0;
}

/**
 * A packet whose checksum the sender's card would have completed (CHECKSUM_PARTIAL) holds only the pseudo header's sum,
 * not complemented: changes of ports and payload leave it alone.
 */
function replaceTransport(x: Execution, check: number, { size, from, to }: Change, pseudoHeader: boolean): number {
  if (!x.checksumPartial) return size === 0 ? csumReplaceByDiff(check, to) : csumReplace4(check, from, to);
  if (!pseudoHeader) return check;
  return ~csumFold(csumAdd(size === 0 ? check : csumSub(check, from), to)) & 0xffff;
}
