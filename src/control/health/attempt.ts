// One thing that a check tries, until it succeeds, fails or the time is over.

import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } from "#kernel/errno.js";

/** Its message is a whole sentence without its stop: "cannot connect to 10.0.0.1:80: connection refused". */
export class CheckFailure extends Error {
  override readonly name = "CheckFailure";
}

/** This machine lacked something to make the check with: it says nothing of the server. */
export class Shortage extends CheckFailure {}

export interface Settle<T> {
  done(value: T): void;
  /** `found`: what stands behind "cannot ATTEMPTED: ", or the error that says it. */
  fail(found: unknown): void;
}

/**
 * `start` begins it and gives what clears up afterwards, however it ended. The signal's reason says what came when it was aborted:
 * "no answer within 5 s".
 */
export function attempt<T>(attempted: string, signal: AbortSignal, start: (settle: Settle<T>) => () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let clear: (() => void) | undefined;
    let isSettled = false;
    const settle = (then: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      signal.removeEventListener("abort", onAbort);
      clear?.();
      then();
    };
    const fail = (found: unknown): void => settle(() => reject(failureOf(attempted, found)));
    const onAbort = (): void => fail(String(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    try {
      clear = start({ done: (value) => settle(() => resolve(value)), fail });
    } catch (error) {
      fail(error);
    }
    // It may have ended at once.
    if (isSettled) clear?.();
  });
}

export function failureOf(attempted: string, found: unknown): CheckFailure {
  const text = `cannot ${attempted}: ${typeof found === "string" ? found : inWords(found)}`;
  return isShortage(found) ? new Shortage(text) : new CheckFailure(text);
}

/** File descriptors, memory, processes. keepalived 2.2.7 check_tcp.c, tcp_connect_thread() asks again later where it gets no socket. */
const SHORTAGES: readonly unknown[] = ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN];

/** Of Node's errors by name, of weir's own kernel layer by number. */
function isShortage(found: unknown): boolean {
  if (typeof found !== "object" || found === null) return false;
  const { code, errno } = found as { readonly code?: unknown; readonly errno?: unknown };
  return SHORTAGES.includes(code) || (typeof errno === "number" && errno > 0 && SHORTAGES.includes(errno));
}

/** An error of Node's in words. */
export function inWords(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException & { readonly cause?: unknown };
  return WORDS[code ?? ""] ?? (cause instanceof Error && (code ?? "").startsWith("UND_ERR") ? inWords(cause) : message || code || String(error));
}

const WORDS: { readonly [code: string]: string | undefined } = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the server reset the connection",
  EPIPE: "the server closed the connection",
  UND_ERR_SOCKET: "the server closed the connection",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ETIMEDOUT: "no answer",
  EMFILE: "this process has no file descriptor left",
  ENFILE: "this machine has no file descriptor left",
  EADDRNOTAVAIL: "the source address is not one of this machine's",
};
