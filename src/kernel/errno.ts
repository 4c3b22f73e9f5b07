// errno: numbers to names. node:os knows those of POSIX; the kernel answers two more to bpf(2).

import { constants } from "node:os";

export const {
  EPERM, ENOENT, EINTR, E2BIG, EAGAIN, ENOMEM, EACCES, EBUSY, EEXIST, ENODEV, EINVAL, ENOSPC, EOPNOTSUPP, ENOLINK, EWOULDBLOCK, EMFILE, ENFILE, ENOBUFS,
} = constants.errno;

/** Linux include/linux/errno.h: for inside the kernel only, and yet what bpf(2) answers for an operation a map lacks. */
export const ENOTSUPP = 524;

// Of two names for one number, the kernel's own goes first.
const names = new Map<number, string>([[ENOTSUPP, "ENOTSUPP"], [EOPNOTSUPP, "EOPNOTSUPP"], [EAGAIN, "EAGAIN"]]);
for (const [name, number] of Object.entries(constants.errno)) if (!names.has(number)) names.set(number, name);

/** "EPERM"; "errno 999" for a number without a name. */
export function errnoName(number: number): string {
  return names.get(number) ?? `errno ${number}`;
}
