// UDP_CHECK: nothing comes back that says that nobody is there; with `reply`, what should come comes.
// keepalived 2.2.7 keepalived/check/check_udp.c, udp_check_thread(), check_udp_reply().

import type { UdpProbe } from "#model/health.js";
import { CheckFailure } from "../attempt.js";
import { exchange } from "../datagram.js";
import type { Target } from "../target.js";
import type { Verdict } from "../verdict.js";
import { healthy } from "../verdict.js";

export async function probe({ payload, reply }: UdpProbe, target: Target, signal: AbortSignal): Promise<Verdict> {
  const bytes = Buffer.from(payload, "hex");
  const attempted = `get an answer from ${target.name} by UDP`;
  try {
    const answer = await exchange(attempted, bytes, target, signal, (found) => found);
    if (reply !== undefined) judge(reply, answer, target);
    return healthy(`${target.name} answered ${answer.length} bytes by UDP`);
  } catch (error) {
    // Silence is what a healthy server may answer.
    if (reply === undefined && signal.aborted) return healthy(`${target.name} did not refuse a datagram`);
    throw error;
  }
}

function judge({ begins = "", lengthMin, lengthMax }: NonNullable<UdpProbe["reply"]>, answer: Buffer, { name }: Target): void {
  if (answer.length < lengthMin || answer.length > lengthMax) throw new CheckFailure(`${name} answered ${answer.length} bytes by UDP; wanted ${lengthMin} to ${lengthMax}`);
  const wanted = begins.toLowerCase().match(/../g) ?? [];
  if (wanted.every((byte, i) => byte === "##" || byte === answer.subarray(i, i + 1).toString("hex"))) return;
  throw new CheckFailure(`${name} answered ${answer.subarray(0, wanted.length).toString("hex")} by UDP; wanted ${begins}`);
}
