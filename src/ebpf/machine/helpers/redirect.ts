// Where the packet goes: Linux net/core/filter.c, bpf_redirect() and its siblings. They only note the target; it counts
// when the program then returns their verdict. bpf_clone_redirect() alone sends at once.

import { EINVAL } from "../errors.js";
import type { Execution } from "../execution.js";
import type { HelperFunctions } from "../helpers.js";
import type { Redirect } from "../options.js";
import { moved } from "./skb.js";

const BPF_F_INGRESS = 1n;
const XDP_ABORTED = 0;
const XDP_REDIRECT = 4;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
/** sizeof(struct bpf_redir_neigh), sizeof(struct bpf_fib_lookup). */
const NEIGHBOUR_BYTES = 20;
const FIB_LOOKUP_BYTES = 64;
/** All BPF_FIB_LOOKUP_… flags: direct, output, skip neighbour, table id, source, mark. */
const FIB_FLAGS = 0x3f;

export const redirectHelpers: HelperFunctions = {
  bpf_redirect: (x) => {
    const flags = x.argument64(2);
    if (x.program!.spec.type === "xdp") return flags === 0n ? note(x, "redirect", XDP_REDIRECT, 0) : XDP_ABORTED;
    return flags & ~BPF_F_INGRESS ? TC_ACT_SHOT : note(x, "redirect", TC_ACT_REDIRECT, Number(flags));
  },

  bpf_redirect_peer: (x) => (x.argument64(2) === 0n ? note(x, "peer", TC_ACT_REDIRECT, 0) : TC_ACT_SHOT),

  bpf_redirect_neigh: (x) => {
    const size = x.argument32(3);
    if ((size > 0 && size < NEIGHBOUR_BYTES) || x.argument64(4) !== 0n) return TC_ACT_SHOT;
    return note(x, "neigh", TC_ACT_REDIRECT, 0, size === 0 ? undefined : x.argumentBytes(2, size, "read").slice());
  },

  bpf_fib_lookup: (x) => {
    x.expectContext(1);
    const size = x.argument32(3);
    const flags = x.argument32(4);
    const parameters = x.argumentBytes(2, size, "write");
    if (size < FIB_LOOKUP_BYTES || flags & ~FIB_FLAGS) return -EINVAL;
    return x.options.fib(parameters, flags);
  },
};

export const cloneHelpers: HelperFunctions = {
  bpf_clone_redirect: (x) => moved(x, "bpf_clone_redirect", () => {
    const flags = x.argument64(3);
    if (flags & ~BPF_F_INGRESS) return -EINVAL;
    const [mark, tcIndex, gsoSize] = (["mark", "tcIndex", "gsoSize"] as const).map((field) => x.context!.get(field));
    x.clones.push({
      ifindex: x.argument32(2), flags: Number(flags), packet: x.packet.bytes.slice(), mark: mark!, tcIndex: tcIndex!, gsoSize: gsoSize!, checksumPartial: x.checksumPartial,
    });
    return 0;
  }),
};

function note(x: Execution, kind: Redirect["kind"], verdict: number, flags: number, neighbour?: Uint8Array): number {
  x.redirect = { kind, ifindex: x.argument32(1), flags, ...(neighbour && { neighbour }) };
  return verdict;
}
