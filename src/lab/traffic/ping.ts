// Ping, RFC 792: an own ICMP socket, so that no package is needed, and the answer comes as data.

import { internetChecksum } from "../checksum.js";
import { IcmpSocket } from "../sockets.js";

export interface PingRequest {
  readonly address: string;
  /** Default 1000. */
  readonly timeoutMilliseconds?: number;
}

export interface PingReply {
  readonly answered: boolean;
  /** Of the answer when it arrived: 64 minus the routers on its way, as a rule. */
  readonly ttl: number;
  readonly milliseconds: number;
  /** An ICMP error that quotes the request, and its sender. */
  readonly error?: { readonly type: number; readonly code: number; readonly from: string };
}

const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const PAYLOAD_BYTES = 56;
const ICMP_HEADER_BYTES = 8;

let sequence = 0;

export async function ping(request: PingRequest): Promise<PingReply> {
  const timeout = request.timeoutMilliseconds ?? 1000;
  const socket = new IcmpSocket({ receiveMilliseconds: timeout });
  try {
    const message = echoRequest();
    const start = performance.now();
    socket.send(request.address, message);
    while (performance.now() - start < timeout) {
      const packet = await socket.receive();
      const reply = packet && interpret(packet, message);
      if (reply) return { ...reply, milliseconds: performance.now() - start };
    }
    return { answered: false, ttl: 0, milliseconds: timeout };
  } finally {
    socket.close();
  }
}

function echoRequest(): Buffer {
  sequence = (sequence + 1) & 0xffff;
  const message = Buffer.alloc(ICMP_HEADER_BYTES + PAYLOAD_BYTES, 0x77);
  message.fill(0, 0, ICMP_HEADER_BYTES);
  message.writeUInt8(ECHO_REQUEST, 0);
  message.writeUInt16BE(process.pid & 0xffff, 4);
  message.writeUInt16BE(sequence, 6);
  message.writeUInt16BE(internetChecksum(message), 2);
  return message;
}

/** What a received packet says about `sent`; undefined when it is about something else. */
function interpret(packet: Uint8Array, sent: Buffer): Omit<PingReply, "milliseconds"> | undefined {
  const bytes = Buffer.from(packet);
  const icmp = bytes.subarray(headerBytes(bytes));
  const ttl = bytes.readUInt8(8);
  if (icmp[0] === ECHO_REPLY && sameIdentifier(icmp, sent)) return { answered: true, ttl };
  if (icmp[0] === ECHO_REQUEST || icmp.length < ICMP_HEADER_BYTES + 28) return undefined;
  const quoted = icmp.subarray(ICMP_HEADER_BYTES);
  if (!sameIdentifier(quoted.subarray(headerBytes(quoted)), sent)) return undefined;
  return { answered: false, ttl, error: { type: icmp[0] ?? 0, code: icmp[1] ?? 0, from: bytes.subarray(12, 16).join(".") } };
}

const headerBytes = (ip: Buffer): number => ((ip[0] ?? 0) & 0xf) * 4;
const sameIdentifier = (icmp: Buffer, sent: Buffer): boolean => icmp.subarray(4, 8).equals(sent.subarray(4, 8));
