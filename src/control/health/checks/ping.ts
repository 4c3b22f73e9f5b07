// PING_CHECK: an echo is answered. keepalived 2.2.7 keepalived/check/check_ping.c.

import { randomBytes } from "node:crypto";
import { IcmpSocket } from "#kernel/socket.js";
import type { PingProbe } from "#model/health.js";
import { attempt } from "../attempt.js";
import type { Target } from "../target.js";
import { addressBytes, socketSettings } from "../target.js";
import type { Verdict } from "../verdict.js";
import { healthy } from "../verdict.js";

/** RFC 792 and RFC 4443: types of request and reply. */
const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;
const HEADER_BYTES = 8;
/** By which the reply is known among all that a raw socket hears: the kernel may number the echo anew. */
const TOKEN_BYTES = 16;
/** The first looks are close together, as most answers come at once. */
const LOOK_MILLISECONDS_MIN = 1;
const LOOK_MILLISECONDS_MAX = 50;

export async function probe(_check: PingProbe, target: Target, signal: AbortSignal): Promise<Verdict> {
  await attempt<void>(`ping ${target.address}`, signal, ({ done, fail }) => {
    const token = randomBytes(TOKEN_BYTES);
    const socket = IcmpSocket.open(addressBytes(target.address), socketSettings(target));
    let timer: NodeJS.Timeout | undefined;
    const look = (afterMilliseconds: number): void => {
      try {
        for (let message = socket.receive(); message !== undefined; message = socket.receive()) if (isReply(message, token, target, socket)) return done();
        timer = setTimeout(look, afterMilliseconds, Math.min(2 * afterMilliseconds, LOOK_MILLISECONDS_MAX));
      } catch (error) {
        fail(error);
      }
    };
    try {
      socket.send(request(token, target));
      look(LOOK_MILLISECONDS_MIN);
    } catch (error) {
      fail(error);
    }
    return () => { clearTimeout(timer); socket.close(); };
  });
  return healthy(`${target.address} answered a ping`);
}

function request(token: Buffer, { family }: Target): Buffer {
  const message = Buffer.concat([Buffer.alloc(HEADER_BYTES), token]);
  message[0] = ECHO[family].request;
  token.copy(message, 4, 0, 4);
  // ICMPv6's covers the addresses too: the kernel fills it in.
  if (family === 4) message.writeUInt16BE(checksum(message), 2);
  return message;
}

function isReply(message: Uint8Array, token: Buffer, { family }: Target, { isRaw }: IcmpSocket): boolean {
  const start = isRaw && family === 4 ? 4 * (message[0]! & 15) : 0;
  return message[start] === ECHO[family].reply && token.equals(message.subarray(start + HEADER_BYTES, start + HEADER_BYTES + TOKEN_BYTES));
}

/** RFC 1071, of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
