// Connections end by themselves: the timer in the kernel (dataplane/expiry.ts) clears them away, and what they counted
// for with their destination. On the machine time is moved on; in the kernel the timeouts are short and real.

import assert from "node:assert/strict";
import { test } from "node:test";
import { countConnections } from "#control/connections.js";
import type { ProgramName } from "#control/programs.js";
import { buckets4, calls, dialogues } from "#dataplane/maps.js";
import { configure, destination, service, serviceId } from "./case.js";
import { ACK, EMPTY, FIN, SYN, frame, tcp, udp } from "./frame.js";
import { EXECUTORS } from "./executors.js";
import { VIP, at, client, eth0, r1 } from "./network.js";
import { allDestinations, overflowTotal, sums, verdictCounts } from "./observe.js";
import type { World } from "./world.js";
import { PLAIN_PROGRAMS, meet } from "./world.js";

const PROGRAMS: readonly ProgramName[] = [...PLAIN_PROGRAMS, "weir_tc_app", "weir_tc_sip"];
const LINK = { from: client.mac!, to: eth0.mac };
const TCP_SERVICE = service("tcp", 80, [destination(r1, 80, "route")]);
const UDP_SERVICE = service("udp", 80, [destination(r1, 80, "route")]);
/** A timeout of two seconds ends after at most that, a tick of the data plane's clock and a round of the timer. */
const TIMEOUT = { seconds: 2, overMilliseconds: 2700, underMilliseconds: 900 };

for (const executor of EXECUTORS) {
  const options = { skip: executor.lacks };

  test(`an idle connection ends on ${executor.name}, and no longer counts with its destination`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [TCP_SERVICE, UDP_SERVICE]);
    world.director.setTimeouts({ tcp: TIMEOUT.seconds, tcpFin: TIMEOUT.seconds, udp: TIMEOUT.seconds });
    world.startExpiry();
    for (const flags of [SYN, ACK]) sendTcp(world, 40000, flags);
    for (const flags of [SYN, ACK, FIN | ACK]) sendTcp(world, 40001, flags);
    sendUdp(world, 40002);
    assert.deepEqual(counted(world), [{ active: 1, inactive: 1 }, { active: 0, inactive: 1 }]);
    await world.wait(TIMEOUT.overMilliseconds);
    assert.deepEqual([...world.director.connections()], []);
    assert.deepEqual(counted(world), [{ active: 0, inactive: 0 }, { active: 0, inactive: 0 }]);
    assert.equal(countConnections(world.store, buckets4), 0, "every slot is free again");
  });

  test(`every packet starts a connection's idle time anew on ${executor.name}`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [UDP_SERVICE]);
    world.director.setTimeouts({ tcp: 0, tcpFin: 0, udp: TIMEOUT.seconds });
    for (let i = 0; i < 3; i++) {
      sendUdp(world, 40000);
      await world.wait(TIMEOUT.underMilliseconds);
    }
    assert.equal([...world.director.connections()].length, 1);
    assert.equal(allDestinations(world)[0]!.counters.connections, 1n);
  });

  test(`buckets forget that connections were put beyond them when those end on ${executor.name}`, options, async () => {
    const world = await executor.world(1024, PLAIN_PROGRAMS);
    // One client's end and many VIPs: all of them belong into one bucket.
    const vips = Array.from({ length: 40 }, (_, i) => `10.7.0.${i + 1}`);
    configure(world.director, vips.map((address) => service("udp", 80, [destination(r1, 80, "route")], { address })));
    world.director.setTimeouts({ tcp: 0, tcpFin: 0, udp: TIMEOUT.seconds });
    world.startExpiry();
    for (const vip of vips) assert.equal(sendUdp(world, 40000, vip), "sent");
    // Eight stand in their own bucket; the next eight passed one, the next two …
    assert.equal(overflowTotal(world), 8 * (1 + 2 + 3 + 4));
    await world.wait(TIMEOUT.overMilliseconds);
    assert.equal(countConnections(world.store, buckets4), 0);
    assert.equal(overflowTotal(world), 0);
  });

  test(`a template ends by itself on ${executor.name}, but not before its connections`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [service("udp", 80, [destination(r1, 80, "route")], { persistentSeconds: 1 })]);
    world.director.setTimeouts({ tcp: 0, tcpFin: 0, udp: 3 });
    world.startExpiry();
    sendUdp(world, 40000);
    assert.deepEqual(persistentCounts(world), [1]);
    await world.wait(1900);
    // Linux v6.12 net/netfilter/ipvs/ip_vs_conn.c, ip_vs_conn_expire(): a minute more, as often as it takes.
    const prolonged = [...world.director.connections()].find(({ client: { port } }) => port === 0)!;
    assert.ok(prolonged.expiresSeconds >= 57 && prolonged.expiresSeconds <= 59, `it ends in ${prolonged.expiresSeconds} s`);
    await world.wait(2500);
    assert.deepEqual([...world.director.connections()].map(({ client: { port } }) => port), [0], "the connection has ended");
    assert.deepEqual(counted(world), [{ active: 0, inactive: 0 }]);
    if (executor.name === "the machine") await world.wait(60_000);
    assert.deepEqual(persistentCounts(world), [executor.name === "the machine" ? 0 : 1]);
    assert.equal(countConnections(world.store, buckets4), executor.name === "the machine" ? 0 : 1);
  });

  test(`a connection that announced another does not end before it on ${executor.name}`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [service("tcp", 21, [destination(r1, 21, "masq")])]);
    world.director.setTimeouts({ tcp: TIMEOUT.seconds, tcpFin: 0, udp: 0 });
    world.startExpiry();
    for (const flags of [SYN, ACK]) sendTcp(world, 40000, flags, { to: 21 });
    sendTcp(world, 40000, ACK, { to: 21, payload: new TextEncoder().encode("PORT 10,0,0,2,128,235\r\n") });
    const ports = () => [...world.director.connections()].map(({ virtual: { port } }) => port).sort();
    assert.deepEqual(ports(), [20, 21]);
    await world.wait(TIMEOUT.overMilliseconds);
    assert.deepEqual(ports(), [20, 21]);
    assert.equal(dialoguesCount(world), 1);
    if (executor.name !== "the machine") return;
    // It listens for two minutes; ip_vs_conn.c, ip_vs_conn_expire() gives the other one a minute more as often as it takes.
    await world.wait(118_000);
    assert.deepEqual(ports(), [21]);
    await world.wait(61_000);
    assert.deepEqual(counted(world), [{ active: 0, inactive: 0 }]);
    assert.deepEqual([countConnections(world.store, buckets4), dialoguesCount(world)], [0, 0]);
  });

  test(`a template without connections ends at its time on ${executor.name}`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [service("udp", 80, [destination(r1, 80, "route")], { persistentSeconds: 3 })]);
    world.director.setTimeouts({ tcp: 0, tcpFin: 0, udp: 1 });
    world.startExpiry();
    sendUdp(world, 40000);
    await world.wait(4000);
    assert.deepEqual(persistentCounts(world), [0]);
    assert.equal(countConnections(world.store, buckets4), 0);
  });

  test(`a call's text goes with its template on ${executor.name}`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [service("udp", 80, [destination(r1, 80, "masq")], { persistentSeconds: TIMEOUT.seconds, persistenceEngine: "sip", onePacket: true })]);
    world.startExpiry();
    assert.equal(sendUdp(world, 40000, VIP, new TextEncoder().encode("OPTIONS\r\nCall-ID: one@host\r\n")), "sent");
    assert.deepEqual([persistentCounts(world), callsCount(world)], [[1], 1]);
    await world.wait(TIMEOUT.overMilliseconds);
    assert.deepEqual([persistentCounts(world), callsCount(world)], [[0], 0]);
  });

  test(`with expire_nodest_conn a removed destination's connections end within a round on ${executor.name}, and then its template; others stay`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [TCP_SERVICE, service("udp", 80, [destination(r1, 80, "route")], { persistentSeconds: 300 })]);
    world.startExpiry();
    const open = () => {
      for (const flags of [SYN, ACK]) sendTcp(world, 40000, flags);
      for (const port of [40001, 40002]) sendUdp(world, port);
    };
    const remove = (protocol: "tcp" | "udp") => world.director.deleteDestination(serviceId(protocol, 80), { address: r1.address, port: 80 });
    const listed = () => [...world.director.connections()].map(({ protocol, client: { port } }) => `${protocol} ${port}`).sort();
    open();
    remove("udp");
    await world.wait(1500);
    assert.deepEqual(listed(), ["tcp 40000", "udp 0", "udp 40001", "udp 40002"], "without it they wait for its return");
    world.director.addDestination(serviceId("udp", 80), destination(r1, 80, "route"));
    world.director.setSysctls({ expire_nodest_conn: 1 });
    remove("udp");
    await world.wait(2500);
    assert.deepEqual(listed(), ["tcp 40000"]);
    world.director.addDestination(serviceId("udp", 80), destination(r1, 80, "route"));
    assert.deepEqual(counted(world), [{ active: 1, inactive: 0 }, { active: 0, inactive: 0 }]);
    assert.deepEqual(persistentCounts(world), [0, 0]);
    world.director.deleteService(serviceId("tcp", 80));
    await world.wait(1500);
    assert.equal(countConnections(world.store, buckets4), 0, "every slot is free again");
  });

  test(`a full table takes connections again when old ones have ended on ${executor.name}`, options, async () => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [UDP_SERVICE]);
    world.director.setTimeouts({ tcp: 0, tcpFin: 0, udp: TIMEOUT.seconds });
    world.startExpiry();
    for (let port = 1; port <= 64; port++) assert.equal(sendUdp(world, port), "sent");
    assert.equal(sendUdp(world, 65), "dropped");
    const passedBefore = overflowTotal(world);
    assert.equal(sendUdp(world, 65), "dropped");
    assert.equal(overflowTotal(world), passedBefore, "who was refused is counted nowhere");
    await world.wait(TIMEOUT.overMilliseconds);
    for (let port = 65; port <= 128; port++) assert.equal(sendUdp(world, port), "sent");
    assert.deepEqual(verdictCounts(world), { tableFull: 2 });
    assert.equal(sums(world).packetsIn, 128);
  });
}

test("with drop_entry 3 half-open connections end long before their time on the machine, established ones stay", async () => {
  const world = await EXECUTORS[0]!.world(64, PROGRAMS);
  configure(world.director, [TCP_SERVICE]);
  world.startExpiry();
  const open = () => { for (const flags of [SYN, ACK]) sendTcp(world, 40000, flags); };
  const halfOpen = () => { for (let port = 41000; port < 41010; port++) sendTcp(world, port, SYN); };
  open();
  halfOpen();
  await world.wait(30_000);
  assert.equal([...world.director.connections()].length, 11, "without drop_entry a minute is theirs");
  world.director.setSysctls({ drop_entry: 3 });
  // The timer goes round fifty times a second here, not twice: each of the eight buckets is looked into some twenty times.
  await world.wait(25_000);
  assert.deepEqual([...world.director.connections()].map(({ state }) => state), ["ESTABLISHED"]);
});

function sendTcp(world: World, port: number, flags: number, { to = 80, payload = EMPTY } = {}): void {
  assert.equal(meet(world, "tc", frame(LINK, tcp(at(client, port), at(VIP, to), { flags, payload })), eth0).outcome, "sent");
}

function sendUdp(world: World, port: number, vip = VIP, payload = EMPTY): string {
  return meet(world, "tc", frame(LINK, udp(at(client, port), at(vip, 80), { payload })), eth0).outcome;
}

const dialoguesCount = (world: World): number => [...world.store.hash(dialogues).keys()].length;
const callsCount = (world: World): number => [...world.store.hash(calls).keys()].length;
const persistentCounts = (world: World) => allDestinations(world).map(({ persistentConnections }) => persistentConnections);

function counted(world: World) {
  return allDestinations(world).map(({ activeConnections, inactiveConnections }) => ({ active: activeConnections, inactive: inactiveConnections }));
}
