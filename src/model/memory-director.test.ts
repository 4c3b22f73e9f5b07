import assert from "node:assert/strict";
import { test } from "node:test";
import type { Destination, Service, ServiceId } from "./director.js";
import { DirectorError } from "./director.js";
import { MemoryDirector } from "./memory-director.js";

const id: ServiceId = { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 80 };
const service: Service = { id, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0, netmask: "255.255.255.255", persistenceEngine: "", onePacket: false };
const server = (address: string, changes: Partial<Destination> = {}): Destination => ({
  address, port: 80, forward: "masq", weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none", ...changes,
});
const withService = () => {
  const director = new MemoryDirector({ interfaces: new Map([["eth0", 1500], ["jumbo", 9000]]) });
  director.addService(service);
  return director;
};
const refuses = (code: string, call: () => void) => assert.throws(call, (error) => error instanceof DirectorError && error.code === code);

test("the newest destination stands first", () => {
  const director = withService();
  for (const address of ["10.1.0.11", "10.1.0.12", "10.1.0.13"]) director.addDestination(id, server(address));
  assert.deepEqual(director.services()[0]?.destinations.map(({ address }) => address), ["10.1.0.13", "10.1.0.12", "10.1.0.11"]);
});

test("a list taken earlier does not change", () => {
  const director = withService();
  const before = director.services();
  director.addDestination(id, server("10.1.0.11"));
  assert.equal(before[0]?.destinations.length, 0);
});

test("what exists is not added, and what does not is not found", () => {
  const director = withService();
  refuses("SERVICE_EXISTS", () => director.addService(service));
  refuses("NO_SUCH_SERVICE", () => director.deleteService({ ...id, port: 81 }));
  refuses("SERVICE_NOT_DEFINED", () => director.addDestination({ ...id, port: 81 }, server("10.1.0.11")));
  director.addDestination(id, server("10.1.0.11"));
  refuses("DESTINATION_EXISTS", () => director.addDestination(id, server("10.1.0.11")));
  refuses("NO_SUCH_DESTINATION", () => director.editDestination(id, server("10.1.0.12")));
  refuses("NO_SUCH_DESTINATION", () => director.deleteDestination(id, { address: "10.1.0.11", port: 81 }));
});

test("a service exists already before its scheduler is looked for", () => {
  refuses("SERVICE_EXISTS", () => withService().addService({ ...service, scheduler: "bogus" }));
  refuses("SCHEDULER_NOT_FOUND", () => withService().editService({ ...service, scheduler: "bogus" }));
});

test("servers are unicast, and of the other family by tunnel only", () => {
  const director = withService();
  for (const address of ["0.0.0.0", "224.0.0.1", "255.255.255.255"]) refuses("INVALID", () => director.addDestination(id, server(address)));
  for (const address of ["::", "fe80::1", "ff02::1"]) refuses("INVALID", () => director.addDestination(id, server(address, { forward: "tunnel" })));
  refuses("INVALID", () => director.addDestination(id, server("fd00::1")));
  director.addDestination(id, server("fd00::1", { forward: "tunnel" }));
});

test("weights and thresholds have their ranges", () => {
  const director = withService();
  refuses("OUT_OF_RANGE", () => director.addDestination(id, server("10.1.0.11", { weight: -1 })));
  refuses("OUT_OF_RANGE", () => director.addDestination(id, server("10.1.0.11", { upperThreshold: 5, lowerThreshold: 6 })));
  director.addDestination(id, server("10.1.0.11", { weight: 2 ** 31 - 1, upperThreshold: 5, lowerThreshold: 5 }));
});

test("an edited destination keeps its place", () => {
  const director = withService();
  for (const address of ["10.1.0.11", "10.1.0.12"]) director.addDestination(id, server(address));
  director.editDestination(id, server("10.1.0.11", { weight: 9 }));
  assert.deepEqual(director.services()[0]?.destinations.map(({ weight }) => weight), [1, 9]);
});

test("a timeout of 0 keeps its value", () => {
  const director = new MemoryDirector();
  director.setTimeouts({ tcp: 60, tcpFin: 0, udp: 0 });
  assert.deepEqual(director.timeouts(), { tcp: 60, tcpFin: 120, udp: 300 });
});

test("a master's messages fill packets of 1500 bytes, a backup takes what its interface brings", () => {
  const director = withService();
  director.startSyncDaemon({ role: "backup", interface: "jumbo", syncId: 3, group: "ff02::81" });
  director.startSyncDaemon({ role: "master", interface: "eth0", syncId: 0 });
  assert.deepEqual(director.syncDaemons().map(({ role, lengthMax }) => [role, lengthMax]), [["master", 1472], ["backup", 8952]]);
  refuses("DAEMON_RUNNING", () => director.startSyncDaemon({ role: "master", interface: "eth0", syncId: 0 }));
  refuses("NO_DEVICE", () => director.startSyncDaemon({ role: "master", interface: "eth9", syncId: 0 }));
  director.stopSyncDaemon("master");
  refuses("NO_DAEMON", () => director.stopSyncDaemon("master"));
});

test("sync daemons and servers of the other family exclude each other", () => {
  const director = withService();
  director.addDestination(id, server("fd00::1", { forward: "tunnel" }));
  refuses("INVALID", () => director.startSyncDaemon({ role: "master", interface: "eth0", syncId: 0 }));
  director.deleteDestination(id, { address: "fd00::1", port: 80 });
  director.startSyncDaemon({ role: "master", interface: "eth0", syncId: 0 });
  refuses("INVALID", () => director.addDestination(id, server("fd00::1", { forward: "tunnel" })));
});
