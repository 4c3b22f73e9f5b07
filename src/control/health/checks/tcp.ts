// TCP_CHECK: the server accepts a connection. keepalived 2.2.7 keepalived/check/check_tcp.c.

import type { TcpProbe } from "#model/health.js";
import type { Target } from "../target.js";
import { connectTcp } from "../target.js";
import type { Verdict } from "../verdict.js";
import { healthy } from "../verdict.js";

export async function probe(_check: TcpProbe, target: Target, signal: AbortSignal): Promise<Verdict> {
  const socket = await connectTcp(target, signal);
  // With a port of one's own, the end of a connection that waits would be in the way of the next.
  if (target.source?.port) socket.resetAndDestroy();
  else socket.destroy();
  return healthy(`${target.name} accepted a connection`);
}
