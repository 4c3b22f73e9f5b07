// The kernel's functions on maps that the compiler calls by itself. Linux include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER.

export const bpf_map_lookup_elem = { helper: "bpf_map_lookup_elem", id: 1, movesPacket: false };
export const bpf_map_update_elem = { helper: "bpf_map_update_elem", id: 2, movesPacket: false };
export const bpf_map_delete_elem = { helper: "bpf_map_delete_elem", id: 3, movesPacket: false };
export const bpf_ringbuf_output = { helper: "bpf_ringbuf_output", id: 130, movesPacket: false };
