// One thing that a check tries, until it succeeds, fails or the time is over.

/** Its message is a whole sentence without its stop: "cannot connect to 10.0.0.1:80: connection refused". */
export class CheckFailure extends Error {
  override readonly name = "CheckFailure";
}

export interface Settle<T> {
  done(value: T): void;
  /** `found`: what stands behind "cannot ATTEMPTED: ". */
  fail(found: string): void;
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
    const fail = (found: string): void => settle(() => reject(new CheckFailure(`cannot ${attempted}: ${found}`)));
    const onAbort = (): void => fail(String(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    try {
      clear = start({ done: (value) => settle(() => resolve(value)), fail });
    } catch (error) {
      fail(inWords(error));
    }
    // It may have ended at once.
    if (isSettled) clear?.();
  });
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
  EADDRNOTAVAIL: "the source address is not one of this machine's",
};
