import assert from "node:assert/strict";
import { test } from "node:test";
import { Machine } from "#ebpf/machine.js";
import { destinations } from "#dataplane/maps.js";
import { parseConfig } from "#model/config.js";
import type { DirectorParts } from "./apply.js";
import { applyConfiguration } from "./apply.js";
import { StoreDirector } from "./director.js";
import { MachineStore } from "./machine-store.js";
import { MemoryPlane } from "./memory-plane.js";
import { planConfiguration } from "./plan.js";
import { memoryRecord } from "./record.js";
import { Rows } from "./rows.js";
import { MemoryHost } from "./settings/memory-host.js";

const FIRST = `
addresses: [{ vip: 10.0.0.100, interface: eth0 }]
timeouts: { udp: 30 }
sysctl: { drop_entry: 1 }
services:
  - { protocol: tcp, address: 10.0.0.100, port: 80, scheduler: wrr, method: nat, destinations: [{ address: 10.1.0.1 }, { address: 10.1.0.2, weight: 2 }] }
  - { protocol: udp, address: 10.0.0.100, port: 53, scheduler: twos, method: dr, destinations: [{ address: 10.1.0.1 }] }
`;
const SECOND = `
addresses: [{ vip: 10.0.0.101, interface: eth0 }]
timeouts: { udp: 60 }
marks: [{ mark: 7, protocol: tcp, ports: 443 }]
services:
  - { protocol: tcp, address: 10.0.0.100, port: 80, scheduler: mh, persistent: 60, method: nat, destinations: [{ address: 10.1.0.2, weight: 5 }, { address: 10.1.0.3 }] }
  - { fwmark: 7, scheduler: rr }
`;

const INTERFACES = [{ name: "eth0", mode: "tc" as const }];
const read = (text: string) => parseConfig(text, { file: "weir.yaml" });

function machine() {
  const store = new MachineStore(new Machine(), { processors: 1, connections: 64, connectionsIpv6: 64, destinations: 1024, fibGivesSource: false, csumKnowsIpv6: true, tcx: true }, () => 0n);
  const said: string[] = [];
  const parts: DirectorParts = { director: new StoreDirector(store), dataPlane: new MemoryPlane(), host: new MemoryHost(), record: memoryRecord(), report: (line) => void said.push(line) };
  return {
    store, parts,
    plan: (text: string) => planConfiguration(read(text), INTERFACES, parts, parts.host),
    up: async (text: string) => {
      await applyConfiguration(read(text), INTERFACES, parts);
      // Reasons are the real data plane's.
      return said.splice(0).map(withoutReason);
    },
  };
}

const withoutReason = (line: string): string => line.replace(/ \(.*\)$/, "");

test("a plan says what up then says, from nothing and from another configuration, and changes nothing", async () => {
  const { plan, up, parts } = machine();
  for (const text of [FIRST, FIRST, SECOND, FIRST]) {
    const before = JSON.stringify([parts.director.services(), parts.director.sysctls(), parts.director.timeouts(), parts.dataPlane.status(), (parts.host as MemoryHost).values()], big);
    const planned = await plan(text);
    assert.equal(JSON.stringify([parts.director.services(), parts.director.sysctls(), parts.director.timeouts(), parts.dataPlane.status(), (parts.host as MemoryHost).values()], big), before);
    assert.deepEqual(planned.changes.map(withoutReason), await up(text));
  }
  assert.deepEqual((await plan(FIRST)).changes, []);
});

test("where there is no director yet, a plan is of a new one", async () => {
  const { up } = machine();
  const planned = await planConfiguration(read(FIRST), INTERFACES, undefined, new MemoryHost());
  assert.deepEqual(planned.changes.map(withoutReason), await up(FIRST));
});

test("connections of servers that go are told, those of servers that change stay", async () => {
  const { store, plan, up, parts } = machine();
  await up(FIRST);
  const rows = new Rows(store, destinations);
  parts.director.services().flatMap((service) => service.destinations).forEach((_, i) => rows.write(i, { activeConnections: 10 * (i + 1), inactiveConnections: 1 }));
  const counts = new Map(parts.director.services().flatMap(({ id, destinations: list }) => list.map((one) => [`${id.kind === "address" ? id.protocol : ""} ${one.address}`, one.activeConnections + one.inactiveConnections])));
  const { staying, leaving } = await plan(SECOND);
  assert.equal(staying, counts.get("tcp 10.1.0.2"));
  assert.deepEqual(leaving, [
    { server: "10.1.0.1:80", service: "tcp 10.0.0.100:80", connections: counts.get("tcp 10.1.0.1") },
    { server: "10.1.0.1:53", service: "udp 10.0.0.100:53", connections: counts.get("udp 10.1.0.1") },
  ]);
});

const big = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

test("a plan of more destinations than the director has places for throws what up throws", async () => {
  const { plan, up, parts } = machine();
  const text = (count: number, first = 1): string => `services: [{ protocol: tcp, address: 10.0.0.100, port: 80, method: nat, destinations: [${
    Array.from({ length: count }, (_, i) => `{ address: 10.1.${(first + i) >> 8}.${(first + i) & 255} }`).join(", ")}] }]`;
  const { all } = parts.director.destinationPlaces!();
  await plan(text(all));
  for (const wrong of [text(all + 1), text(all, 2)]) {
    if (wrong !== text(all + 1)) await up(text(all));
    const { message } = await up(wrong).then(() => assert.fail("there is no room"), (error: Error) => error);
    assert.match(message, /^Cannot add a destination: all 1024 places are taken/);
    await assert.rejects(plan(wrong), { message, code: "NO_MEMORY" });
  }
});
