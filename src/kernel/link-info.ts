// What the kernel says of a link.

import { u32 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { objectInfo } from "./syscall.js";

export type Direction = "ingress" | "egress";

/** Linux include/uapi/linux/bpf.h, enum bpf_link_type. */
const LINK_KINDS: { readonly [type: number]: LinkInfo["kind"] } = { 6: "xdp", 11: "tcx" };
/** Linux include/uapi/linux/bpf.h, enum bpf_attach_type: BPF_TCX_INGRESS, BPF_TCX_EGRESS. */
export const TCX: { readonly [direction in Direction]: number } = { ingress: 46, egress: 47 };

/** Linux include/uapi/linux/bpf.h, struct bpf_link_info with its members xdp and tcx. */
const LinkInfoBytes = struct("bpf_link_info", { type: u32, id: u32, programId: u32, padding: u32, ifindex: u32, attachType: u32, rest: array(u32, 8) });

export interface LinkInfo {
  readonly kind: "xdp" | "tcx" | "other";
  readonly id: number;
  readonly programId: number;
  /** 0 when the interface, or its network namespace, is gone. */
  readonly ifindex: number;
  readonly direction: Direction | undefined;
}

/** Of the link behind a file descriptor. */
export function linkInfo(fd: number, description: string): LinkInfo {
  const { type, id, programId, ifindex, attachType } = objectInfo(fd, LinkInfoBytes, `read the kernel's description of ${description}`);
  const kind = LINK_KINDS[type] ?? "other";
  const direction = kind !== "tcx" ? undefined : attachType === TCX.egress ? "egress" : "ingress";
  return { kind, id, programId, ifindex: kind === "other" ? 0 : ifindex, direction };
}
