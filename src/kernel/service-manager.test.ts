import assert from "node:assert/strict";
import { closeSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { errno, hostIsLittleEndian, libc } from "./ffi.js";
import { KernelError } from "./errors.js";
import { notifyServiceManager, watchdogMilliseconds } from "./service-manager.js";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const folder = mkdtempSync(join(tmpdir(), "weir-notify-socket-"));
after(() => rmSync(folder, { recursive: true }));

/** A service manager that listens at an address; `use` may ask what it has heard. */
function withListener(name: Buffer, use: (heard: () => string) => void): void {
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0);
  const address = new Uint8Array(2 + name.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, hostIsLittleEndian);
  address.set(name, 2);
  assert.equal(libc().bind(fd, address, address.length), 0, `bind: errno ${errno()}`);
  const bytes = new Uint8Array(1000);
  use(() => Buffer.from(bytes.subarray(0, Math.max(0, libc().recv(fd, bytes, bytes.length, 0)))).toString());
  closeSync(fd);
}

test("the service manager is told at a path, and at a name of the abstract namespace", () => {
  const path = join(folder, "socket");
  withListener(Buffer.from(`${path}\0`), (heard) => {
    assert.equal(notifyServiceManager(["READY=1", "STATUS=5 of 6 servers healthy"], path), true);
    assert.equal(heard(), "READY=1\nSTATUS=5 of 6 servers healthy");
  });
  const name = `weir-test-${process.pid}`;
  withListener(Buffer.from(`\0${name}`), (heard) => {
    assert.equal(notifyServiceManager(["WATCHDOG=1"], `@${name}`), true);
    assert.equal(heard(), "WATCHDOG=1");
  });
});

test("where none listens nothing is told", () => {
  assert.equal(notifyServiceManager(["READY=1"], undefined), false);
  assert.throws(() => notifyServiceManager(["READY=1"], join(folder, "none")), (error) => error instanceof KernelError && error.code === "NOT_FOUND");
});

test("a watchdog's time is in milliseconds, and for the process that it names", () => {
  assert.equal(watchdogMilliseconds({ WATCHDOG_USEC: "3000000" }), 3000);
  assert.equal(watchdogMilliseconds({ WATCHDOG_USEC: "3000000", WATCHDOG_PID: String(process.pid) }), 3000);
  assert.equal(watchdogMilliseconds({ WATCHDOG_USEC: "3000000", WATCHDOG_PID: "1" }), undefined);
  assert.equal(watchdogMilliseconds({}), undefined);
});
