// One datagram to a server, and what comes back: for checks over UDP.

import { attempt } from "./attempt.js";
import type { Target } from "./target.js";
import { connectUdp } from "./target.js";

/** `read`: undefined for what is not waited for. An ICMP error fails it. */
export async function exchange<T>(
  attempted: string, payload: Uint8Array, target: Target, signal: AbortSignal, read: (answer: Buffer) => T | undefined,
): Promise<T> {
  const socket = await connectUdp(target, signal);
  return attempt<T>(attempted, signal, ({ done, fail }) => {
    socket.on("error", (error) => fail(error));
    socket.on("message", (answer) => {
      const found = read(answer);
      if (found !== undefined) done(found);
    });
    socket.send(payload, (error) => { if (error !== null) fail(error); });
    return () => socket.close();
  });
}
