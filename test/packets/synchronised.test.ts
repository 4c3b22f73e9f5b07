// What another director tells of connections comes into the table, and packets then follow it: by what Debian's kernel 6.1 sent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Backup } from "#control/synchronisation/backup.js";
import type { SyncConnection } from "#control/synchronisation/message.js";
import { SyncMessageWriter, readSyncMessage } from "#control/synchronisation/message.js";
import { fromAddress, fromBe32, toAddress, toBe16 } from "#control/encode.js";
import { countConnections } from "#control/connections.js";
import type { ProgramName } from "#control/programs.js";
import { CONNECTION_INACTIVE, buckets4 } from "#dataplane/maps.js";
import { ipVsConnSync } from "#cli/proc/ip-vs-conn-sync.js";
import { decode } from "#layout/codec.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Ipv6 } from "#wire/ipv6.js";
import type { ServiceDescription } from "./case.js";
import { configure, destination, service, serviceId } from "./case.js";
import { EXECUTORS } from "./executors.js";
import { ACK, FIN, SYN, frame, packetOf, tcp, udp } from "./frame.js";
import { VIP, VIP6, at, client, client6, eth0, r1, r1v6, r2 } from "./network.js";
import { allDestinations } from "./observe.js";
import type { World } from "./world.js";
import { PLAIN_PROGRAMS, meet } from "./world.js";

const PROGRAMS: readonly ProgramName[] = [...PLAIN_PROGRAMS, "weir_tc6", "weir_tc_sip", "weir_sync", "weir_sync6"];

const RECORDED = readFileSync(new URL("../../../../test/recordings/sync-messages.txt", import.meta.url), "utf8").split("\n").map((line) => line.split(": "));
const recorded = (name: string): Uint8Array => Uint8Array.from(Buffer.from(RECORDED.find(([one]) => one === name)![1]!, "hex"));
const told = (name: string): readonly SyncConnection[] => readSyncMessage(recorded(name), 0)!.connections;
/** TCP, established: 10.0.0.2:20000 to the VIP's port 80, by NAT to r1's port 8080. */
const ESTABLISHED = told("tcp v1")[0]!;
const ENDED = told("tcp v1")[2]!;

const NAT = service("tcp", 80, [destination(r1, 8080, "masq"), destination(r2, 8080, "masq")]);
const LINK = { from: client.mac!, to: eth0.mac };

const newBackup = (world: World, syncId = 0): Backup => new Backup(world.store, syncId, (family) => void world.run(family === 6 ? "sync6" : "sync", new Uint8Array(64), eth0));

function tell(backup: Backup, ...connections: readonly SyncConnection[]): void {
  const writer = new SyncMessageWriter(1, 0, 1472);
  for (const connection of connections) writer.add(connection);
  backup.take(writer.finish()!);
}

/** As lists have it, without the time. */
const listed = (world: World): string[] => [...world.director.connections()].map(({ protocol, client: from, virtual, destination: to, state, isTold }) =>
  `${protocol} ${from.address}:${from.port} ${virtual.address}:${virtual.port} ${to.address}:${to.port} ${state}${isTold ? " told" : ""}`).sort();

const counted = (world: World) => allDestinations(world).map(({ address, activeConnections, inactiveConnections, persistentConnections }) => [address, activeConnections, inactiveConnections, persistentConnections]);

/** Where the packet went, if it was forwarded. */
function sentTo(world: World, packet: Uint8Array): string | undefined {
  const { outcome, bytes } = meet(world, "tc", frame(LINK, packet), eth0);
  if (outcome !== "sent") return undefined;
  const packetBytes = packetOf(bytes);
  return packetBytes[0]! >> 4 === 6 ? fromAddress(decode(Ipv6, packetBytes).destination, 6) : fromBe32(decode(Ipv4, packetBytes).destination);
}

for (const executor of EXECUTORS) {
  const options = { skip: executor.lacks };
  const newWorld = async (...services: readonly ServiceDescription[]): Promise<World> => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, services);
    return world;
  };

  test(`packets follow a connection that was told, which then goes on as one of its own on ${executor.name}`, options, async () => {
    const world = await newWorld(NAT);
    tell(newBackup(world), ESTABLISHED);
    assert.deepEqual(listed(world), ["tcp 10.0.0.2:20000 10.0.0.100:80 10.1.0.11:8080 ESTABLISHED told"]);
    assert.deepEqual(counted(world), [["10.1.0.12", 0, 0, 0], ["10.1.0.11", 1, 0, 0]]);
    assert.match([...ipVsConnSync(world.director)][1]!, /^TCP 0A000002 4E20 0A000064 0050 0A01000B 1F90 ESTABLISHED SYNC {3} {4}8\d\d\n$/);
    assert.equal(sentTo(world, tcp(at(client, 20000), at(VIP, 80), { flags: ACK })), r1.address);
    assert.equal(sentTo(world, tcp(at(client, 20000), at(VIP, 80), { flags: FIN | ACK })), r1.address);
    assert.deepEqual(listed(world), ["tcp 10.0.0.2:20000 10.0.0.100:80 10.1.0.11:8080 CLOSE_WAIT told"]);
    assert.deepEqual(counted(world), [["10.1.0.12", 0, 0, 0], ["10.1.0.11", 0, 1, 0]]);
  });

  test(`a message of the kernel's own brings a connection to its last state on ${executor.name}`, options, async () => {
    for (const name of ["tcp v1", "tcp v0"]) {
      const world = await newWorld(NAT);
      const backup = newBackup(world, 7);
      backup.take(recorded(name));
      assert.equal(listed(world).length, 1);
      assert.match(listed(world)[0]!, /TIME_WAIT told$/);
      assert.deepEqual(counted(world)[1], ["10.1.0.11", 0, 1, 0]);
      assert.deepEqual([backup.counts.entered, backup.counts.renewed, backup.counts.malformed], [1, 2, 0]);
      assert.ok([...world.director.connections()].every(({ expiresSeconds }) => expiresSeconds === 119 || expiresSeconds === 120));
    }
  });

  test(`IPv6 comes with its template on ${executor.name}`, options, async () => {
    const world = await newWorld(service("tcp", 80, [destination(r1v6, 80, "masq")], { address: VIP6, persistentSeconds: 77 }));
    const server = toAddress(r1v6.address);
    tell(newBackup(world), ...told("tcp6 persistent v1").slice(0, 3).map((one) => ({ ...one, server })));
    assert.deepEqual(listed(world), ["tcp fd00::2:0 fd00::100:80 fd01::11:80 ASSURED told", "tcp fd00::2:20002 fd00::100:80 fd01::11:80 ESTABLISHED told"]);
    assert.deepEqual(counted(world), [[r1v6.address, 1, 0, 1]]);
    assert.equal(sentTo(world, tcp(at(client6, 20002), at(VIP6, 80), { flags: ACK })), r1v6.address);
  });

  test(`a client of a told template keeps its server on ${executor.name}`, options, async () => {
    const world = await newWorld(service("udp", 5000, [destination(r2, 5000, "route"), destination(r1, 5000, "route")], { persistentSeconds: 100 }));
    tell(newBackup(world), ...told("udp persistent v1").map((one) => ({ ...one, server: toAddress(r2.address) })));
    assert.deepEqual(listed(world), ["udp 10.0.0.2:0 10.0.0.100:5000 10.1.0.12:5000 NONE told", "udp 10.0.0.2:20001 10.0.0.100:5000 10.1.0.12:5000 UDP told"]);
    for (const port of [40000, 40001, 40002]) meet(world, "tc", frame(LINK, udp(at(client, port), at(VIP, 5000))), eth0);
    assert.deepEqual(counted(world), [["10.1.0.11", 0, 0, 0], ["10.1.0.12", 0, 4, 1]]);
  });

  test(`messages of a told call go to its server, from any port on ${executor.name}`, options, async () => {
    const world = await newWorld(service("udp", 5060, [destination(r2, 5060, "masq"), destination(r1, 5060, "masq")], { persistentSeconds: 200, persistenceEngine: "sip", onePacket: true }));
    const call = told("sip v1")[0]!;
    tell(newBackup(world), { ...call, server: toAddress(r2.address) });
    assert.deepEqual([...world.director.connections()].map(({ persistenceData }) => persistenceData), [{ engine: "sip", text: "abc@def.example" }]);
    const message = new TextEncoder().encode("OPTIONS sip:a@b SIP/2.0\r\nCall-ID: abc@def.example\r\n\r\n");
    for (const port of [40000, 40001, 40002]) assert.equal(sentTo(world, udp(at(client, port), at(VIP, 5060), { payload: message })), r2.address);
    assert.equal(listed(world).length, 1);
  });

  test(`a template of a service by mark is found by its mark on ${executor.name}`, options, async () => {
    const world = await newWorld({ service: { ...NAT.service, id: { kind: "fwmark", fwmark: 5, family: 4 }, persistentSeconds: 55 }, destinations: [destination(r1, 0, "masq")] });
    tell(newBackup(world), ...told("fwmark v1").slice(0, 3));
    assert.deepEqual(listed(world), ["ip 10.0.0.2:0 0.0.0.5:0 10.1.0.11:0 ASSURED told", "tcp 10.0.0.2:20004 10.0.0.100:8080 10.1.0.11:8080 ESTABLISHED told"]);
  });

  test(`a connection without a destination comes when that is added on ${executor.name}`, options, async () => {
    const world = await newWorld();
    const backup = newBackup(world);
    tell(backup, ESTABLISHED);
    assert.deepEqual([listed(world), backup.counts.unbound], [[], 1]);
    configure(world.director, [NAT]);
    backup.bind();
    assert.deepEqual(listed(world), ["tcp 10.0.0.2:20000 10.0.0.100:80 10.1.0.11:8080 ESTABLISHED told"]);
    world.director.deleteDestination(serviceId("tcp", 80), { address: r1.address, port: 8080 });
    tell(backup, { ...ESTABLISHED, clientPort: toBe16(20009) });
    assert.equal(backup.counts.unbound, 2, "and none while it is gone");
  });

  test(`the last word about a connection that another took the place of changes nothing; the other does on ${executor.name}`, options, async () => {
    const world = await newWorld(NAT);
    const backup = newBackup(world);
    const other = { ...ESTABLISHED, server: toAddress(r2.address) };
    tell(backup, ESTABLISHED);
    tell(backup, { ...other, flags: other.flags | CONNECTION_INACTIVE });
    assert.deepEqual(listed(world), ["tcp 10.0.0.2:20000 10.0.0.100:80 10.1.0.11:8080 ESTABLISHED told"]);
    tell(backup, other);
    assert.deepEqual(listed(world), ["tcp 10.0.0.2:20000 10.0.0.100:80 10.1.0.12:8080 ESTABLISHED told"]);
    assert.deepEqual([backup.counts.entered, backup.counts.outdated], [2, 1]);
  });

  test(`one that began here keeps its origin on ${executor.name}`, options, async () => {
    const world = await newWorld(service("tcp", 80, [destination(r1, 8080, "masq")]));
    sentTo(world, tcp(at(client, 20000), at(VIP, 80), { flags: SYN }));
    tell(newBackup(world), ENDED);
    assert.deepEqual(listed(world), ["tcp 10.0.0.2:20000 10.0.0.100:80 10.1.0.11:8080 TIME_WAIT"]);
    assert.deepEqual(counted(world), [["10.1.0.11", 0, 1, 0]]);
  });

  test(`what has no room, or states that no protocol has, is counted and left on ${executor.name}`, options, async () => {
    const world = await newWorld(NAT);
    const backup = newBackup(world);
    for (let i = 0; i < 10; i++) tell(backup, ...Array.from({ length: 20 }, (_, j) => ({ ...ESTABLISHED, clientPort: toBe16(30000 + 20 * i + j) })));
    assert.equal(countConnections(world.store, buckets4), 64);
    assert.deepEqual([backup.counts.entered, backup.counts.tableFull], [64, 136]);
    tell(backup, { ...ESTABLISHED, state: 11 });
    assert.equal(backup.counts.malformed, 1);
  });
}
