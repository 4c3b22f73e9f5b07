import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Machine } from "#ebpf/machine.js";
import {
  DESTINATION_AVAILABLE, DESTINATION_IN_USE, DESTINATIONS_DEFAULT, SLOTS_MAX, destinationCounters, destinationRates, destinations, members, schedulerStates, servicePlaces, serviceRows, services, settings, slots,
} from "#dataplane/maps.js";
import { MH_SLOTS } from "#dataplane/schedulers/mh.js";
import type { Counters, Destination, DirectorErrorCode, Operation, Service, ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import { formatServiceId } from "#model/names.js";
import { StoreDirector } from "./director.js";
import { MachineStore } from "./machine-store.js";
import { Rows } from "./rows.js";

const SERVICE: Service = {
  id: { kind: "address", protocol: "udp", address: "10.0.0.100", port: 53 }, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0,
  netmask: "255.255.255.255", persistenceEngine: "", onePacket: false,
};

const DESTINATION: Destination = {
  address: "10.1.0.11", port: 53, forward: "route", weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none",
};

const newStore = (processors = 1, nanoseconds = () => 0n) => new MachineStore(new Machine(), { processors, connections: 1024, connectionsIpv6: 64, destinations: DESTINATIONS_DEFAULT, fibGivesSource: false, csumKnowsIpv6: true, tcx: true }, nanoseconds);
const newDirector = () => new StoreDirector(newStore());
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

test("one service is read as it is among all, by what it is named; what there is not is undefined", () => {
  const ids: readonly ServiceId[] = [
    SERVICE.id, { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 53 }, { kind: "address", protocol: "udp", address: "fd00::100", port: 53 },
    { kind: "fwmark", fwmark: 7, family: 4 }, { kind: "fwmark", fwmark: 7, family: 6 },
  ];
  for (const director of [newDirector(), new MemoryDirector()]) {
    for (const [i, id] of ids.entries()) {
      assert.equal(director.service(id), undefined);
      director.addService({ ...SERVICE, id, netmask: "address" in id && id.address.includes(":") || (id.kind === "fwmark" && id.family === 6) ? "128" : SERVICE.netmask });
      if (i < 2) director.addDestination(id, { ...DESTINATION, weight: 2 + i });
    }
    for (const service of director.services()) assert.deepEqual(director.service(service.id), service);
    director.deleteService(SERVICE.id);
    assert.equal(director.service(SERVICE.id), undefined);
  }
});

test("a scheduler that there is not is refused, whatever JavaScript knows by its name", () => {
  for (const scheduler of ["nosuch", "constructor", "__proto__", "toString"]) {
    const director = newDirector();
    assert.throws(() => director.addService({ ...SERVICE, scheduler }), (error) => error instanceof DirectorError && error.code === "SCHEDULER_NOT_FOUND");
    assert.deepEqual(director.services(), []);
  }
});

test("a persistence engine that there is not is refused", () => {
  assert.throws(() => newDirector().addService({ ...SERVICE, persistentSeconds: 360, persistenceEngine: "rtsp" }), (error) => error instanceof DirectorError && error.code === "SCHEDULER_NOT_FOUND");
});

test("a destination that a killed command left without a service is cleared away, others stay", () => {
  const store = newStore();
  const director = new StoreDirector(store);
  director.addService(SERVICE);
  director.addDestination(SERVICE.id, DESTINATION);
  const rows = new Rows(store, destinations);
  const [listed = 0] = rows.indicesWith("flags", DESTINATION_AVAILABLE);
  rows.write(listed + 1, { flags: DESTINATION_IN_USE | DESTINATION_AVAILABLE });
  director.reclaim();
  assert.deepEqual(rows.indicesWith("flags", DESTINATION_AVAILABLE), [listed]);
  assert.deepEqual(director.services()[0]!.destinations.map(({ address }) => address), ["10.1.0.11"]);
});

test("totals are of all services, gone ones too; zeroing is for their sum, not for the processors' own counts", () => {
  let now = 0n;
  const store = newStore(2, () => now);
  const director = new StoreDirector(store);
  const counters = new Rows(store, destinationCounters);
  const counts = (number: bigint): Counters => ({ connections: number, packetsIn: 2n * number, packetsOut: 3n * number, bytesIn: 4n * number, bytesOut: 5n * number });
  const sums = () => [director.totals().counters, ...director.totals().processors].map(({ connections, bytesOut }) => [connections, bytesOut]);
  director.addService(SERVICE);
  director.addDestination(SERVICE.id, DESTINATION);
  counters.write(0, counts(10n));
  counters.write(DESTINATIONS_DEFAULT, counts(7n));
  new Rows(store, destinationRates).write(0, { connections: 4n << 10n });
  assert.deepEqual(sums(), [[17n, 85n], [10n, 50n], [7n, 35n]]);
  assert.equal(director.totals().rates.connections, 4n);

  director.deleteService(SERVICE.id);
  now += 300_000_000_000n;
  director.addService(SERVICE);
  director.addDestination(SERVICE.id, { ...DESTINATION, address: "10.1.0.12" });
  assert.deepEqual([counters.bigint(0, "connections"), director.services()[0]!.counters.connections], [0n, 0n], "the slot is another's");
  counters.write(0, counts(1n));
  assert.deepEqual(sums(), [[18n, 90n], [11n, 55n], [7n, 35n]]);

  director.zero(SERVICE.id);
  assert.deepEqual(sums()[0], [18n, 90n]);
  new Rows(store, destinationRates).write(0, { connections: 4n << 10n });
  director.zero();
  assert.deepEqual(sums(), [[0n, 0n], [11n, 55n], [7n, 35n]]);
  assert.equal(director.totals().rates.connections, 0n);
});

const OTHER: Service = { ...SERVICE, id: { kind: "address", protocol: "udp", address: "10.0.0.200", port: 53 } };
const server = (last: number, changes: Partial<Destination> = {}): Destination => ({ ...DESTINATION, address: `10.1.0.${last}`, ...changes });
const add = (service: Service, ...destinations: readonly Destination[]): Operation[] =>
  [{ kind: "addService", service }, ...destinations.map((destination): Operation => ({ kind: "addDestination", service: service.id, destination }))];
const listOf = (director: StoreDirector) => director.services().map(({ id, scheduler, destinations: list }) =>
  `${formatServiceId(id)} ${scheduler}: ${list.map((one) => `${one.address} ${one.weight}`).join(", ")}`);

test("many steps are one change: each is done on what those before it made", () => {
  const director = newDirector();
  director.apply([
    ...add(SERVICE, server(1), server(2)), ...add(OTHER, server(3)),
    { kind: "editService", service: { ...SERVICE, scheduler: "wrr" } },
    { kind: "editDestination", service: SERVICE.id, destination: server(2, { weight: 7 }) },
    { kind: "deleteDestination", service: SERVICE.id, destination: server(1) },
    { kind: "deleteService", service: OTHER },
  ]);
  assert.deepEqual(listOf(director), ["udp 10.0.0.100:53 wrr: 10.1.0.2 7"]);
  director.apply([{ kind: "deleteService", service: SERVICE }, ...add(OTHER, server(4)), ...add(SERVICE, server(2), server(5))]);
  assert.deepEqual(listOf(director), ["udp 10.0.0.200:53 rr: 10.1.0.4 1", "udp 10.0.0.100:53 rr: 10.1.0.5 1, 10.1.0.2 1"]);
});

test("a wrong step among right ones throws what it would alone, and leaves every table as it was", () => {
  const store = newStore();
  const director = new StoreDirector(store);
  director.apply(add(SERVICE, server(1), server(2)));
  const wrong: readonly (readonly [Operation, DirectorErrorCode])[] = [
    [{ kind: "addService", service: SERVICE }, "SERVICE_EXISTS"],
    [{ kind: "addService", service: { ...OTHER, id: { ...OTHER.id, port: 1 } as Service["id"], scheduler: "none such" } }, "SCHEDULER_NOT_FOUND"],
    [{ kind: "deleteService", service: { id: { ...SERVICE.id, port: 2 } as Service["id"] } }, "NO_SUCH_SERVICE"],
    [{ kind: "addDestination", service: SERVICE.id, destination: server(2) }, "DESTINATION_EXISTS"],
    [{ kind: "addDestination", service: SERVICE.id, destination: { ...DESTINATION, address: "224.0.0.1" } }, "INVALID"],
    [{ kind: "editDestination", service: SERVICE.id, destination: server(9) }, "NO_SUCH_DESTINATION"],
    [{ kind: "deleteDestination", service: SERVICE.id, destination: server(9) }, "NO_SUCH_DESTINATION"],
    [{ kind: "editDestination", service: SERVICE.id, destination: server(1, { weight: -1 }) }, "OUT_OF_RANGE"],
  ];
  // The first change that is tried ends what the one before it left for packets on their way.
  assert.throws(() => director.apply([wrong[0]![0]]));
  const before = tablesOf(store);
  for (const [operation, code] of wrong) {
    const steps: readonly Operation[] = [
      ...add(OTHER, server(3)), { kind: "editDestination", service: SERVICE.id, destination: server(2, { weight: 5 }) },
      { kind: "deleteDestination", service: SERVICE.id, destination: server(1) }, { kind: "addDestination", service: SERVICE.id, destination: server(1) }, operation,
    ];
    assert.throws(() => director.apply(steps), (error) => error instanceof DirectorError && error.code === code, code);
    assert.deepEqual(tablesOf(store), before, code);
  }
});

test("lists for which there is no room leave the services as they were, and no slot taken", () => {
  const store = newStore();
  const director = new StoreDirector(store);
  director.apply(add(SERVICE, server(1)));
  const before = listOf(director);
  const many = Array.from({ length: Math.floor(SLOTS_MAX / MH_SLOTS) + 1 }, (_, i) => add({ ...OTHER, id: { ...OTHER.id, port: i + 1 } as Service["id"], scheduler: "mh" }, server(2))).flat();
  assert.throws(() => director.apply(many), (error) => error instanceof DirectorError && error.code === "NO_MEMORY");
  assert.deepEqual(listOf(director), before);
  assert.equal(new Rows(store, destinations).indicesWith("flags", DESTINATION_AVAILABLE).length, 1);
});

/** All that packets go by. */
function tablesOf(store: MachineStore): readonly string[] {
  const tables = [destinations, members, schedulerStates, serviceRows, slots, settings, servicePlaces].map((map) => createHash("sha256").update(store.table(map)).digest("hex"));
  return [...tables, ...Array.from(store.hash(services).entries(), ([key, value]) => Buffer.concat([key, value]).toString("hex"))];
}
