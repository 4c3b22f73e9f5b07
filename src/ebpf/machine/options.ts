// What the world around the machine is, and what it says about a packet when the program has run.

export interface MachineOptions {
  /** CLOCK_MONOTONIC, in nanoseconds. */
  readonly now: () => bigint;
  /** At least 0, less than 1, as Math.random. */
  readonly random: () => number;
  /** The number of the CPU that runs programs, unless a run says otherwise. */
  readonly cpu: number;
  /** How many there are: so many values has an entry of a per-CPU map. */
  readonly cpus: number;
  /** Jiffies in a second: the kernel's CONFIG_HZ. */
  readonly hz: number;
  /** bpf_fib_lookup(): changes the 64 bytes of struct bpf_fib_lookup in place and gives BPF_FIB_LKUP_RET_… */
  readonly fib: (parameters: Uint8Array, flags: number) => number;
}

export interface Redirect {
  readonly kind: "redirect" | "peer" | "neigh";
  readonly ifindex: number;
  readonly flags: number;
  /** The bytes of struct bpf_redir_neigh, when the program named the next hop. */
  readonly neighbour?: Uint8Array;
}

/** A copy of the packet, as it was when the program sent it. */
export interface Clone {
  readonly ifindex: number;
  readonly flags: number;
  readonly packet: Uint8Array;
  readonly mark: number;
  readonly tcIndex: number;
  readonly gsoSize: number;
  readonly checksumPartial: boolean;
}
