// Errors of this layer. A message says what was attempted, what was found, and what would work:
//   Cannot create map "services": no permission (EPERM); run as root, or with CAP_BPF and CAP_NET_ADMIN

import { E2BIG, EACCES, EAGAIN, EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTSUPP, EOPNOTSUPP, EPERM, errnoName } from "./errno.js";

/** Every code of KernelError, with what it means. */
export const KERNEL_ERROR_CODES = {
  PERMISSION: "The kernel allows this only to root, or to a process with the capabilities that the message names.",
  NOT_FOUND: "The object (a pin, an interface, a map entry) does not exist.",
  EXISTS: "An object of that name or key exists already.",
  BUSY: "Another program or process holds what was asked for.",
  TOO_BIG: "A size is over what this kernel accepts, or a map is full.",
  NO_MEMORY: "The kernel has no memory left for it.",
  UNSUPPORTED: "This kernel, driver or map type cannot do it.",
  INVALID: "The kernel refuses the arguments.",
  WRONG_SHAPE: "A pinned object is not what this version of weir expects.",
  VERIFIER: "The kernel's verifier refuses a program; the error carries its log.",
  COMMAND_MISSING: "A command-line tool is not installed.",
  COMMAND_FAILED: "A command-line tool answered with an error.",
  LOCKED: "Another process holds the lock.",
  FAILED: "Any other failure; the message names the errno.",
} as const;
export type KernelErrorCode = keyof typeof KERNEL_ERROR_CODES;

export interface KernelErrorFacts {
  readonly code: KernelErrorCode;
  /** The system call or command: "bpf(BPF_MAP_CREATE)", "ip address add". */
  readonly call: string;
  readonly errno?: number;
  /** Follows "Cannot ": "create map "services"". */
  readonly attempted: string;
  readonly found: string;
  readonly remedy?: string;
  readonly cause?: unknown;
}

export class KernelError extends Error {
  override readonly name: string = "KernelError";
  readonly code: KernelErrorCode;
  readonly call: string;
  /** 0 when no system call failed. */
  readonly errno: number;
  /** "EPERM", or "" when no system call failed. */
  readonly errnoName: string;
  readonly attempted: string;
  readonly found: string;
  readonly remedy: string | undefined;

  constructor(facts: KernelErrorFacts) {
    super(`Cannot ${facts.attempted}: ${facts.found}${facts.remedy === undefined ? "" : `; ${facts.remedy}`}`, { cause: facts.cause });
    this.code = facts.code;
    this.call = facts.call;
    this.errno = facts.errno ?? 0;
    this.errnoName = this.errno === 0 ? "" : errnoName(this.errno);
    this.attempted = facts.attempted;
    this.found = facts.found;
    this.remedy = facts.remedy;
  }
}

/** What an errno means when the caller knows no better. */
interface Meaning {
  readonly code: KernelErrorCode;
  readonly found: string;
  readonly remedy?: string;
}
export type Meanings = { readonly [errno: number]: Meaning };

const COMMON: Meanings = {
  [EPERM]: { code: "PERMISSION", found: "no permission", remedy: "run as root, or with the capabilities CAP_BPF and CAP_NET_ADMIN" },
  [EACCES]: { code: "PERMISSION", found: "access denied", remedy: "run as root, or with the capabilities CAP_BPF and CAP_NET_ADMIN" },
  [ENOENT]: { code: "NOT_FOUND", found: "it does not exist" },
  [ENODEV]: { code: "NOT_FOUND", found: "there is no such interface in this network namespace" },
  [EEXIST]: { code: "EXISTS", found: "it exists already" },
  [EBUSY]: { code: "BUSY", found: "it is in use" },
  [EAGAIN]: { code: "BUSY", found: "the kernel asks to try again", remedy: "run the command once more" },
  [E2BIG]: { code: "TOO_BIG", found: "a size is over the kernel's limit, or the map is full" },
  [ENOSPC]: { code: "TOO_BIG", found: "no space is left" },
  [ENOMEM]: { code: "NO_MEMORY", found: "the kernel has no memory left", remedy: "free memory or make the tables smaller" },
  [EOPNOTSUPP]: { code: "UNSUPPORTED", found: "not supported here" },
  [ENOTSUPP]: { code: "UNSUPPORTED", found: "not supported by this kernel" },
  [EINVAL]: { code: "INVALID", found: "the kernel refuses the arguments" },
};

/** The KernelError of a failed system call; `meanings` say what an errno means for this call in particular. */
export function systemError(call: string, errno: number, attempted: string, meanings: Meanings = {}): KernelError {
  const meaning: Meaning = meanings[errno] ?? COMMON[errno] ?? { code: "FAILED", found: "the kernel refuses" };
  return new KernelError({ ...meaning, call, errno, attempted, found: `${meaning.found} (${errnoName(errno)})` });
}

/** Runs `use`; what Node's file system functions throw becomes a KernelError like that of any other system call. */
export function withFiles<T>(attempted: string, use: () => T, meanings?: Meanings): T {
  try {
    return use();
  } catch (error) {
    if (!isNodeError(error)) throw error;
    throw systemError(error.syscall, -error.errno, attempted, meanings);
  }
}

/** An error of a system call that Node made. */
function isNodeError(error: unknown): error is { readonly errno: number; readonly syscall: string } {
  const { errno, syscall } = error as { readonly errno?: unknown; readonly syscall?: unknown };
  return typeof errno === "number" && typeof syscall === "string";
}

/** Programmer errors only; outside input never reaches one. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}
