// Gives BTF (type information) to the kernel, for a program or a map.

import { BPF_BTF_LOAD, bpf, bpfError, fromCString } from "./syscall.js";
import { EINVAL } from "./errno.js";

const LOG_BYTES = 64 * 1024;

/** A file descriptor; the caller closes it when the program or map that needs it is made. */
export function loadBtf(btf: Uint8Array, attempted: string): number {
  const { result, errno } = bpf(BPF_BTF_LOAD, { btf, btfSize: btf.length });
  if (errno === 0) return result;
  throw bpfError(BPF_BTF_LOAD, errno, `${attempted}: load its BTF`, {
    [EINVAL]: { code: "INVALID", found: `the kernel refuses the type information: ${refusal(btf)}` },
  });
}

/** The kernel's own words: the last line of its log. */
function refusal(btf: Uint8Array): string {
  const logBuffer = new Uint8Array(LOG_BYTES);
  bpf(BPF_BTF_LOAD, { btf, btfSize: btf.length, logBuffer, logSize: LOG_BYTES, logLevel: 1 });
  return fromCString(logBuffer).trim().split("\n").at(-1) ?? "";
}
