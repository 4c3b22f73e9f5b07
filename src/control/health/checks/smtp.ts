// SMTP_CHECK: greeting, HELO and QUIT are answered as RFC 5321 has it. keepalived 2.2.7 keepalived/check/check_smtp.c.

import type { Socket } from "node:net";
import type { SmtpProbe } from "#model/health.js";
import { CheckFailure, attempt } from "../attempt.js";
import type { Target } from "../target.js";
import { connectTcp } from "../target.js";
import type { Verdict } from "../verdict.js";
import { healthy } from "../verdict.js";

/** RFC 5321 section 4.5.3.1.5: a line of a reply has 512 bytes at most; this many lines of them. */
const REPLY_BYTES_MAX = 512 * 128;

export async function probe({ helo }: SmtpProbe, target: Target, signal: AbortSignal): Promise<Verdict> {
  const socket = await connectTcp(target, signal);
  try {
    await expect("220", undefined, socket, target, signal);
    await expect("250", `HELO ${helo}`, socket, target, signal);
    await expect("221", "QUIT", socket, target, signal);
    return healthy(`${target.name} answered HELO and QUIT`);
  } finally {
    if (target.source?.port) socket.resetAndDestroy();
    else socket.destroy();
  }
}

/** Says something and takes the reply; first the greeting, when nothing was said. */
async function expect(code: string, command: string | undefined, socket: Socket, target: Target, signal: AbortSignal): Promise<void> {
  const said = command === undefined ? "greet" : `answer ${command.split(" ")[0]}`;
  const reply = await attempt<string>(`have ${target.name} ${said}`, signal, ({ done, fail }) => {
    let text = "";
    const onData = (part: Buffer): void => {
      text += part.toString("latin1");
      const last = /^(\d{3})(?: .*)?\r?\n/m.exec(text);
      if (last !== null) done(last[0].trim());
      else if (text.length > REPLY_BYTES_MAX) fail(`more than ${REPLY_BYTES_MAX} bytes came`);
    };
    const onEnd = (): void => fail("the server closed the connection");
    const onError = (error: Error): void => fail(error);
    socket.on("data", onData).on("end", onEnd).on("error", onError);
    if (command !== undefined) socket.write(`${command}\r\n`);
    return () => void socket.off("data", onData).off("end", onEnd).off("error", onError);
  });
  if (!reply.startsWith(code)) throw new CheckFailure(`${target.name} did not ${said} with ${code}: ${JSON.stringify(reply)}`);
}
