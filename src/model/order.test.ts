import assert from "node:assert/strict";
import { test } from "node:test";
import type { Destination, Service, ServiceId } from "./director.js";
import { sortDestinations, sortServices } from "./order.js";

const service = (id: ServiceId): Service => ({ id, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0, netmask: "", persistenceEngine: "", onePacket: false });
const at = (address: string, port = 80, protocol: "tcp" | "udp" | "sctp" = "tcp") => service({ kind: "address", protocol, address, port });
const mark = (fwmark: number, family: 4 | 6 = 4) => service({ kind: "fwmark", fwmark, family });
const server = (address: string, port = 80) => ({ address, port }) as Destination;

/** Sorted from the given order. */
const order = (...services: Service[]) => sortServices(services).map(({ id }) => (id.kind === "fwmark" ? `${id.fwmark}/${id.family}` : `${id.protocol} ${id.address} ${id.port}`));

test("services stand by family, protocol, address and port as numbers, then those by firewall mark", () => {
  assert.deepEqual(order(mark(8, 6), mark(8), mark(7), at("fd00::1"), at("10.0.0.2", 80, "udp"), at("10.0.0.10", 443), at("10.0.0.10", 80), at("10.0.0.9", 8080), at("10.0.0.2", 1, "sctp")), [
    "tcp 10.0.0.9 8080", "tcp 10.0.0.10 80", "tcp 10.0.0.10 443", "udp 10.0.0.2 80", "sctp 10.0.0.2 1", "tcp fd00::1 80", "7/4", "8/4", "8/6",
  ]);
});

test("numbers more than half their range apart stand the wrong way round, as with the real ipvsadm", () => {
  assert.deepEqual(order(at("0.0.0.1"), at("255.255.255.255"), at("1.0.0.2")), ["tcp 255.255.255.255 80", "tcp 0.0.0.1 80", "tcp 1.0.0.2 80"]);
  assert.deepEqual(order(at("::1"), at("fd00::1")), ["tcp fd00::1 80", "tcp ::1 80"]);
  assert.deepEqual(order(at("10.0.0.1"), mark(4294967295)), ["4294967295/4", "tcp 10.0.0.1 80"]);
});

test("servers of both families stand in one order of words", () => {
  assert.deepEqual(sortDestinations([server("10.1.0.11"), server("fd00:1::12", 8080), server("fd00:1::11")]).map(({ address }) => address), ["fd00:1::11", "fd00:1::12", "10.1.0.11"]);
  assert.deepEqual(sortDestinations([server("2.2.2.2"), server("::5")]).map(({ address }) => address), ["::5", "2.2.2.2"]);
});

test("what has no order comes out as merging halves leaves it", () => {
  // 127.0.0.1 < fd00::1 < 10.1.0.18 < 127.0.0.1: as the recording of the real list has them.
  const kernel = [server("fd00::1"), server("127.0.0.1", 81), server("127.0.0.1", 80), server("10.1.0.18"), server("10.1.0.17")];
  assert.deepEqual(sortDestinations(kernel).map(({ address, port }) => `${address} ${port}`), ["10.1.0.17 80", "10.1.0.18 80", "127.0.0.1 80", "127.0.0.1 81", "fd00::1 80"]);
});
