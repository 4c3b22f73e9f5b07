// Questions to a family of generic netlink: a dump of what it has, by attributes. Linux Documentation/userspace-api/netlink/intro.rst.

import { closeSync } from "node:fs";
import { decode, encode } from "#layout/codec.js";
import { u8, u16, u32 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { ENOENT } from "./errno.js";
import { systemError } from "./errors.js";
import { errno, libc } from "./ffi.js";
import { cString } from "./syscall.js";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_GENERIC = 16;

/** Linux include/uapi/linux/netlink.h. */
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** Linux include/uapi/linux/genetlink.h. */
const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

/** struct nlmsghdr and struct genlmsghdr; the machine's byte order, as everything in netlink. */
const Header = struct("nlmsghdr", { length: u32, type: u16, flags: u16, sequence: u32, port: u32 });
const Command = struct("genlmsghdr", { command: u8, version: u8, reserved: u16 });
/** struct nlattr: its length with this header; the next begins at a multiple of four. */
const Attribute = struct("nlattr", { length: u16, type: u16 });
const Failure = struct("nlmsgerr", { error: u32 });
/** A dump's messages fill at most so much (net/netlink/af_netlink.c, netlink_dump()). */
const ANSWER_BYTES_MAX = 32768;

/** One message's attributes, by number. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** An attribute of two, four or eight bytes, in the machine's byte order. */
export function numberOf(bytes: Uint8Array): bigint {
  const own = bytes.slice().buffer;
  return BigInt((bytes.length === 2 ? new Uint16Array(own) : bytes.length === 4 ? new Uint32Array(own) : new BigUint64Array(own))[0]!);
}

/** What a family says to a dump of that command; undefined where this kernel does not have the family. */
export function dumpGeneric(familyName: string, command: number): readonly Attributes[] | undefined {
  const attempted = `ask the kernel's "${familyName}"`;
  const fd = libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_GENERIC);
  if (fd < 0) throw systemError("socket", errno(), attempted);
  try {
    const [family] = ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, attribute(CTRL_ATTR_FAMILY_NAME, cString(familyName)), attempted) ?? [];
    const id = family?.get(CTRL_ATTR_FAMILY_ID);
    if (id === undefined) return undefined;
    return ask(fd, Number(numberOf(id)), command, NLM_F_DUMP, new Uint8Array(), attempted);
  } finally {
    closeSync(fd);
  }
}

/** Undefined for ENOENT. */
function ask(fd: number, type: number, command: number, flags: number, attributes: Uint8Array, attempted: string): Attributes[] | undefined {
  const body = Buffer.concat([encode(Command, { command, version: 1 }), attributes]);
  const message = Buffer.concat([encode(Header, { length: Header.size + body.length, type, flags: NLM_F_REQUEST | flags, sequence: 1 }), body]);
  if (libc().send(fd, message, message.length, 0) < 0) throw systemError("send", errno(), attempted);
  const answers: Attributes[] = [];
  for (;;) {
    for (const answer of receive(fd, attempted)) {
      if (answer.type === NLMSG_DONE) return answers;
      if (answer.type === NLMSG_ERROR) {
        const failure = -(decode(Failure, answer.body).error | 0);
        if (failure === ENOENT) return undefined;
        throw systemError("netlink", failure, attempted);
      }
      answers.push(attributesOf(answer.body.subarray(Command.size)));
      if (flags === 0) return answers;
    }
  }
}

/** The messages of one datagram. */
function receive(fd: number, attempted: string): { readonly type: number; readonly body: Uint8Array }[] {
  const bytes = new Uint8Array(ANSWER_BYTES_MAX);
  const received = libc().recv(fd, bytes, bytes.length, 0);
  if (received < 0) throw systemError("recv", errno(), attempted);
  const messages = [];
  for (let at = 0; at + Header.size <= received;) {
    const { length, type } = decode(Header, bytes, at);
    messages.push({ type, body: bytes.subarray(at + Header.size, at + length) });
    at += aligned(length);
  }
  return messages;
}

function attributesOf(bytes: Uint8Array): Attributes {
  const attributes = new Map<number, Uint8Array>();
  for (let at = 0; at + Attribute.size <= bytes.length;) {
    const { length, type } = decode(Attribute, bytes, at);
    attributes.set(type, bytes.subarray(at + Attribute.size, at + length));
    at += aligned(length);
  }
  return attributes;
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(aligned(Attribute.size + value.length));
  bytes.set(encode(Attribute, { length: Attribute.size + value.length, type }));
  bytes.set(value, Attribute.size);
  return bytes;
}

/** NLMSG_ALIGN(), NLA_ALIGN(). */
const aligned = (length: number): number => (length + 3) & ~3;
