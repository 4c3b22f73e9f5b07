import assert from "node:assert/strict";
import { test } from "node:test";
import { Machine } from "#ebpf/machine.js";
import type { Service } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { StoreDirector } from "./director.js";
import { MachineStore } from "./machine-store.js";

const SERVICE: Service = {
  id: { kind: "address", protocol: "udp", address: "10.0.0.100", port: 53 }, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0,
  netmask: "255.255.255.255", persistenceEngine: "", onePacket: false,
};

const newDirector = () => new StoreDirector(new MachineStore(new Machine(), { processors: 1, connections: 1024, fibGivesSource: false, tcx: true }, () => 0n));
const wordsOf = (director: StoreDirector) => director.services().map(({ persistentSeconds, netmask, onePacket }) => ({ persistentSeconds, netmask, onePacket }));

test("persistence, its netmask and one-packet scheduling are listed as they were given, and gone when an edit does not name them", () => {
  const director = newDirector();
  director.addService({ ...SERVICE, persistentSeconds: 360, netmask: "255.255.255.0", onePacket: true });
  assert.deepEqual(wordsOf(director), [{ persistentSeconds: 360, netmask: "255.255.255.0", onePacket: true }]);
  director.editService(SERVICE);
  assert.deepEqual(wordsOf(director), [{ persistentSeconds: 0, netmask: "255.255.255.255", onePacket: false }]);
});

test("a service on port 0 stands beside those of single ports", () => {
  const director = newDirector();
  director.addService({ ...SERVICE, id: { kind: "address", protocol: "udp", address: "10.0.0.100", port: 0 }, persistentSeconds: 300 });
  director.addService(SERVICE);
  assert.deepEqual(director.services().map(({ id }) => id), [
    { kind: "address", protocol: "udp", address: "10.0.0.100", port: 0 }, { kind: "address", protocol: "udp", address: "10.0.0.100", port: 53 },
  ]);
});

test("a persistence engine is refused", () => {
  assert.throws(() => newDirector().addService({ ...SERVICE, persistentSeconds: 360, persistenceEngine: "sip" }), (error) => error instanceof DirectorError && error.code === "UNSUPPORTED");
});
