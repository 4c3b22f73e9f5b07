import assert from "node:assert/strict";
import { test } from "node:test";
import { Machine } from "#ebpf/machine.js";
import type { Configuration } from "#model/config.js";
import { parseConfig } from "#model/config.js";
import { MemoryDirector } from "#model/memory-director.js";
import type { Director } from "#model/director.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import { applyConfiguration, takeDown } from "./apply.js";
import type { DirectorRecord } from "./apply.js";
import { StoreDirector } from "./director.js";
import { MachineStore } from "./machine-store.js";
import { MemoryPlane } from "./memory-plane.js";
import { memoryRecord } from "./record.js";
import { MemoryHost } from "./settings/memory-host.js";

const TWO_SERVERS = `
addresses: [{ vip: 10.0.0.100, interface: eth0 }]
timeouts: { udp: 30 }
services:
  - protocol: tcp
    address: 10.0.0.100
    port: 80
    scheduler: wrr
    method: nat
    destinations:
      - { address: 10.1.0.1, weight: 1 }
      - { address: 10.1.0.2, weight: 2 }
  - { protocol: udp, address: 10.0.0.100, port: 53, scheduler: rr }
`;

function machine(memory?: MemoryDirector) {
  const store = new MachineStore(new Machine(), { processors: 1, connections: 1024, connectionsIpv6: 64, destinations: 1024, fibGivesSource: false, csumKnowsIpv6: true, tcx: true }, () => 0n);
  const lines: string[] = [];
  const parts = {
    director: (memory ?? new StoreDirector(store)) as Director, dataPlane: new MemoryPlane(), host: new MemoryHost(), record: memoryRecord<DirectorRecord>(),
    report: (line: string) => void lines.push(line),
  };
  return {
    ...parts,
    apply: (configuration: Configuration) => applyConfiguration(configuration, [{ name: "eth0", mode: "auto" }], parts),
    /** What was said since the last time. */
    said: () => lines.splice(0),
    up: (text: string, ...interfaces: string[]) =>
      applyConfiguration(parseConfig(text, { file: "weir.yaml" }), interfaces.map((name) => ({ name, mode: "auto" })), parts),
    down: () => takeDown(parts),
    services: () => parts.director.services().map((service) =>
      `${formatServiceId(service.id)} ${service.scheduler}: ${service.destinations.map((one) => `${formatEndpoint(one)} ${one.weight}`).sort().join(", ")}`).sort(),
  };
}

test("a configuration is applied to an empty director, and each change is said", async () => {
  const { up, said, services, host, director } = machine();
  await up(TWO_SERVERS, "eth0");
  assert.deepEqual(services(), ["tcp 10.0.0.100:80 wrr: 10.1.0.1:80 1, 10.1.0.2:80 2", "udp 10.0.0.100:53 rr: "]);
  assert.equal(director.timeouts().udp, 30);
  assert.deepEqual(host.values(), ["address eth0 10.0.0.100/32 present"]);
  assert.deepEqual(said(), [
    "timeouts: tcp 900 s, tcp after FIN 120 s, udp 30 s",
    "service tcp 10.0.0.100:80: added, scheduler wrr",
    "  destination 10.1.0.1:80 of tcp 10.0.0.100:80: added, method nat, weight 1",
    "  destination 10.1.0.2:80 of tcp 10.0.0.100:80: added, method nat, weight 2",
    "service udp 10.0.0.100:53: added, scheduler rr",
    "interface eth0: attached at tc (in memory)",
    "address eth0 10.0.0.100/32: present",
  ]);
});

test("the same configuration a second time changes nothing", async () => {
  const { up, said } = machine();
  await up(TWO_SERVERS, "eth0");
  said();
  await up(TWO_SERVERS, "eth0");
  assert.deepEqual(said(), []);
});

test("a changed weight is one edit and nothing else", async () => {
  const { up, said, services } = machine();
  await up(TWO_SERVERS, "eth0");
  said();
  await up(TWO_SERVERS.replace("weight: 2", "weight: 5"), "eth0");
  assert.deepEqual(said(), ["  destination 10.1.0.2:80 of tcp 10.0.0.100:80: weight 2 → 5"]);
  assert.equal(services()[0], "tcp 10.0.0.100:80 wrr: 10.1.0.1:80 1, 10.1.0.2:80 5");
});

test("what the file no longer has is removed, addresses and interfaces too", async () => {
  const { up, said, services, host } = machine();
  await up(TWO_SERVERS, "eth0", "eth1");
  said();
  await up("services: []", "eth1");
  assert.deepEqual(services(), []);
  assert.deepEqual(host.values(), []);
  assert.deepEqual(said().sort(), [
    "address eth0 10.0.0.100/32: taken away", "interface eth0: detached from tc", "service tcp 10.0.0.100:80: removed", "service udp 10.0.0.100:53: removed",
  ]);
});

test("an interface that takes no program leaves the services as they were", async () => {
  const { up, services, dataPlane, director } = machine();
  await up(TWO_SERVERS, "eth0");
  const before = services();
  dataPlane.refuse = "eth1";
  await assert.rejects(up(TWO_SERVERS.replace("weight: 2", "weight: 5").replace("udp: 30", "udp: 31"), "eth0", "eth1"), /eth1/);
  assert.deepEqual(services(), before);
  assert.equal(director.timeouts().udp, 30);
});

test("a VIP that cannot be put up takes interfaces and services back", async () => {
  const { up, services, dataPlane, host } = machine();
  host.refuse = "address eth0 10.0.0.100/32";
  await assert.rejects(up(TWO_SERVERS, "eth0"), /refused/);
  assert.deepEqual(services(), []);
  assert.deepEqual(dataPlane.status().attachments, []);
});

test("destinations that come back after a failure stand in their old order", async () => {
  const { up, director, dataPlane } = machine();
  await up(TWO_SERVERS, "eth0");
  const order = () => director.services().map((service) => service.destinations.map(formatEndpoint));
  const before = order();
  dataPlane.refuse = "eth1";
  await assert.rejects(up("services: []", "eth1"));
  assert.deepEqual(order().flat(), before.flat());
});

test("what the director refuses among other changes leaves the services as they were, and nothing is said of them", async () => {
  const { up, apply, said, services } = machine();
  await up(TWO_SERVERS, "eth0");
  const before = services();
  said();
  const configuration = parseConfig(TWO_SERVERS.replace("weight: 2", "weight: 5"), { file: "weir.yaml" });
  const [web, dns] = configuration.services;
  const multicast = { ...web!.destinations[0]!, address: "224.0.0.1", port: 53 };
  await assert.rejects(apply({ ...configuration, services: [web!, { ...dns!, destinations: [multicast] }] }), /multicast/);
  assert.deepEqual(services(), before);
  assert.deepEqual(said(), []);
});

const WITH_SYNC = (...daemons: readonly string[]): string => `sync: [${daemons.map((daemon) => `{ interface: eth0, ${daemon} }`).join(", ")}]\nservices: []`;

test("sync daemons are started, kept, started anew where they are to be others, and stopped; a file that says nothing of them leaves them", async () => {
  const { up, said, director } = machine(new MemoryDirector({ interfaces: new Map([["eth0", 9000]]) }));
  const running = () => director.syncDaemons!().map(({ role, syncId, lengthMax, group }) => `${role} ${syncId} ${lengthMax} ${group}`);
  await up(WITH_SYNC("role: backup, syncId: 7", "role: master, syncId: 7"));
  assert.deepEqual(said(), ["sync daemon backup: started on eth0, sync id 7", "sync daemon master: started on eth0, sync id 7"]);
  assert.deepEqual(running(), ["master 7 1472 224.0.0.81", "backup 7 8972 224.0.0.81"]);
  await up(WITH_SYNC("role: backup, syncId: 7", "role: master, syncId: 7, port: 8848, ttl: 1"));
  await up("services: []");
  assert.deepEqual(said(), []);
  await up(WITH_SYNC("role: backup, syncId: 7", "role: master, syncId: 7, lengthMax: 1000"));
  await up(WITH_SYNC("role: backup, syncId: 7", 'role: master, syncId: 7, group: "ff02::81"'));
  assert.deepEqual(said(), Array.from({ length: 2 }, () => ["sync daemon master: stopped", "sync daemon master: started on eth0, sync id 7"]).flat());
  assert.deepEqual(running(), ["master 7 1452 ff02::81", "backup 7 8972 224.0.0.81"]);
  await up("sync: []\nservices: []");
  assert.deepEqual(said(), ["sync daemon master: stopped", "sync daemon backup: stopped"]);
  assert.deepEqual(running(), []);
});

test("a sync daemon that cannot be started, or a failure behind it, leaves those that ran", async () => {
  const { up, host, director } = machine(new MemoryDirector({ interfaces: new Map([["eth0", 1500]]) }));
  await up(WITH_SYNC("role: master, syncId: 7"));
  const before = director.syncDaemons!();
  await assert.rejects(up(WITH_SYNC("role: master, syncId: 8").replace("}]", "}, { role: backup, interface: nope }]")), /there is no such interface/);
  assert.deepEqual(director.syncDaemons!(), before);
  host.refuse = "address eth0 10.0.0.100/32";
  await assert.rejects(up(`addresses: [{ vip: 10.0.0.100, interface: eth0 }]\n${WITH_SYNC("role: backup")}`), /refused/);
  assert.deepEqual(director.syncDaemons!(), before);
});

test("where there is none, a director that does not synchronise refuses a sync daemon, and nothing is changed", async () => {
  const { up, services } = machine();
  await assert.rejects(up(TWO_SERVERS.replace("addresses:", "sync: [{ role: master, interface: eth0 }]\naddresses:"), "eth0"), { code: "UNSUPPORTED" });
  assert.deepEqual(services(), []);
});

test("down takes back the VIPs that up added and detaches everywhere", async () => {
  const { up, down, said, host, dataPlane, record } = machine();
  await up(TWO_SERVERS, "eth0");
  said();
  await down();
  assert.deepEqual(host.values(), []);
  assert.deepEqual(dataPlane.status().attachments, []);
  assert.equal(record.read(), undefined);
  assert.deepEqual(said(), ["address eth0 10.0.0.100/32: taken away", "interface eth0: detached from tc"]);
});

test("down leaves a VIP that was there before up", async () => {
  const { up, down, host } = machine();
  host.write({ kind: "address", interface: "eth0", address: "10.0.0.100", prefixLength: 32 }, "present");
  await up(TWO_SERVERS, "eth0");
  await down();
  assert.deepEqual(host.values(), ["address eth0 10.0.0.100/32 present"]);
});
