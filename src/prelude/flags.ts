// Flags of the kernel's helpers (helpers.ts) under the kernel's names: Linux include/uapi/linux/bpf.h.

/** bpf_map_update_elem(): whatever is there; only where nothing is. */
export const BPF_ANY = 0n;
export const BPF_NOEXIST = 1n;

/** bpf_skb_adjust_room(): room behind the IP header without its options; between the Ethernet and the IP header. */
export const BPF_ADJ_ROOM_NET = 0;
export const BPF_ADJ_ROOM_MAC = 1;

/** bpf_redirect(): as if the packet came in there. */
export const BPF_F_INGRESS = 1n;
