import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { test } from "node:test";
import { KernelError } from "./errors.js";
import { libc } from "./ffi.js";
import { openSocket } from "./socket.js";

const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;
const needsRoot = { skip: process.getuid?.() === 0 ? false : "marks and interfaces are for root" };

test("a socket has the mark and the interface that it was made with", needsRoot, () => {
  for (const type of ["tcp", "udp"] as const) {
    const fd = openSocket(type, 4, { source: { address: Uint8Array.of(127, 0, 0, 1), port: 0 }, interface: "lo", mark: 0x1234 });
    try {
      const value = new Uint8Array(16);
      const length = new Uint8Array(Uint32Array.of(value.length).buffer);
      assert.equal(libc().getsockopt(fd, SOL_SOCKET, SO_MARK, value, length), 0);
      assert.equal(new Uint32Array(value.buffer)[0], 0x1234);
      new DataView(length.buffer).setUint32(0, value.length, true);
      assert.equal(libc().getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, value, length), 0);
      assert.equal(Buffer.from(value.subarray(0, 2)).toString(), "lo");
    } finally {
      closeSync(fd);
    }
  }
});

test("an interface that is not there, and an address that is another's, are said", needsRoot, () => {
  const settings = { source: undefined, interface: undefined, mark: undefined };
  assert.throws(() => openSocket("tcp", 4, { ...settings, interface: "weir-none" }), (error) => error instanceof KernelError && error.code === "NOT_FOUND");
  assert.throws(() => openSocket("udp", 6, { ...settings, source: { address: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), port: 0 } }), /EADDRNOTAVAIL/);
});
