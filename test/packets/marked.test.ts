// What comes out of weir's device for marked packets: a hop younger again, then as any packet that comes with its mark.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Neighbour } from "#dataplane/hop.js";
import { decode } from "#layout/codec.js";
import { fromWords } from "#control/encode.js";
import type { ProgramName } from "#control/programs.js";
import { Rows } from "#control/rows.js";
import { settings } from "#dataplane/maps.js";
import { dissect } from "#lab/dissect.js";
import type { Service } from "#model/director.js";
import { TC_ACT_REDIRECT, TC_ACT_SHOT, TC_ACT_UNSPEC } from "#prelude/packet.js";
import { ETH_P_ARP } from "#wire/ethernet.js";
import type { ServiceDescription } from "./case.js";
import { configure, destination, service } from "./case.js";
import { EXECUTORS } from "./executors.js";
import { ACK, SYN, frame, icmp, packetOf, tcp, udp } from "./frame.js";
import { VIP, VIP6, at, client, client6, distantClient, eth0, eth1, r1, r1v6, router } from "./network.js";
import { verdictCounts } from "./observe.js";
import { PLAIN_PROGRAMS } from "./world.js";

const PROGRAMS: readonly ProgramName[] = [...PLAIN_PROGRAMS, "weir_tc_back", "weir_tc6"];
const CLIENT = at(client, 40000);
/** Both ends of the device have one address. */
const LINK = { from: eth0.mac, to: eth0.mac };
const MARKED = { mark: 7 };
/** dataplane/marked.ts, WAS_HERE and LET_BY. */
const [WAS_HERE, LET_BY] = [0x7765, 0x7766];
const [machine] = EXECUTORS;

function byMark(destinations: ServiceDescription["destinations"], family: 4 | 6 = 4): ServiceDescription {
  const described: Service = service("tcp", 0, []).service;
  return { service: { ...described, id: { kind: "fwmark", fwmark: 7, family }, netmask: family === 6 ? "128" : described.netmask }, destinations };
}

for (const { name, lacks, world: make } of EXECUTORS) {
  const on = `on ${name}`;

  test(`what begins a connection goes to its server, no older than if it had not come this way, ${on}`, { skip: lacks }, async () => {
    const world = await make(64, PROGRAMS);
    configure(world.director, [byMark([destination(r1, 8080, "masq")]), byMark([destination(r1v6, 8080, "masq")], 6)]);
    for (const ttl of [1, 2, 63, 64, 128, 254]) {
      const from = at(client, 41000 + ttl);
      const run = world.run("tc_back", frame(LINK, tcp(from, at(VIP, 80), { flags: SYN, ttl })), eth0, MARKED);
      assert.deepEqual([run.verdict, packetOf(run.bytes)], [TC_ACT_REDIRECT, tcp(from, at(r1, 8080), { flags: SYN, ttl })], `ttl ${ttl}`);
    }
    const run = world.run("tc_back", frame(LINK, tcp(at(client6, 40000), at(VIP6, 80), { flags: SYN, ttl: 1 })), eth0, MARKED);
    assert.deepEqual([run.verdict, packetOf(run.bytes)], [TC_ACT_REDIRECT, tcp(at(client6, 40000), at(r1v6, 8080), { flags: SYN, ttl: 1 })]);
  });

  test(`what weir does not take goes to the stack as it came to the director, its checksum to the bit, ${on}`, { skip: lacks }, async () => {
    const world = await make(64, PROGRAMS);
    configure(world.director, [byMark([destination(r1, 80, "route")])]);
    // Identifications that bring header checksums about 0 and 0xffff.
    for (let identification = 0; identification <= 0xffff; identification += 0x101) {
      const before = world.run("tc_back", frame(LINK, tcp(CLIENT, at(VIP, 80), { flags: ACK, ttl: 63, identification })), eth0, MARKED);
      assert.deepEqual([before.verdict, packetOf(before.bytes)], [TC_ACT_UNSPEC, tcp(CLIENT, at(VIP, 80), { flags: ACK, ttl: 64, identification })], `identification ${identification}`);
    }
    assert.deepEqual(verdictCounts(world), { notASyn: 256 });
  });

  test(`what is no IP goes to the stack, ${on}`, { skip: lacks }, async () => {
    const world = await make(64, PROGRAMS);
    const bytes = frame({ ...LINK, etherType: ETH_P_ARP }, new Uint8Array(28));
    const run = world.run("tc_back", bytes, eth0, MARKED);
    assert.deepEqual([run.verdict, run.bytes], [TC_ACT_UNSPEC, bytes]);
    assert.deepEqual(verdictCounts(world), { notIp: 1 });
  });

  test(`packets of a mark's connection to the director itself go to the stack by the device, so that they are not marked and sent there, ${on}`, { skip: lacks }, async () => {
    const world = await make(64, PROGRAMS);
    configure(world.director, [byMark([destination({ ...r1, address: eth1.address }, 80, "masq")]), service("tcp", 81, [destination({ ...r1, address: eth1.address }, 80, "masq")])]);
    new Rows(world.store, settings).write(0, { markedIfindex: eth1.ifindex });
    const bytes = (port: number, link = { from: client.mac!, to: eth0.mac }, to = VIP) => frame(link, tcp(CLIENT, at(to, port), { flags: SYN }));
    const marked = world.run("tc", bytes(80), eth0, MARKED);
    assert.deepEqual([marked.verdict, marked.bytes], [TC_ACT_REDIRECT, bytes(80, { from: client.mac!, to: "02:77:65:69:72:00" }, eth1.address)]);
    for (const run of [world.run("tc", bytes(80, { from: client.mac!, to: eth1.mac }), eth1, MARKED), world.run("tc", bytes(81), eth0)]) assert.equal(run.verdict, TC_ACT_UNSPEC);
  });
}

test("an error goes back by the routes, as the frame tells no sender", async () => {
  const world = await machine!.world(64, PROGRAMS);
  configure(world.director, [byMark([])]);
  for (const [from, neighbour] of [[client, client], [distantClient(5), router]] as const) {
    const request = udp(at(from, 40000), at(VIP, 53), { ttl: 64 });
    const run = world.run("tc_back", frame(LINK, udp(at(from, 40000), at(VIP, 53), { ttl: 63 })), eth0, MARKED);
    assert.deepEqual(dissect(run.bytes).ip, dissect(frame(LINK, icmp(VIP, from.address, { type: 3, code: 3, payload: request, typeOfService: 0xc0, dontFragment: false }))).ip);
    assert.deepEqual([run.verdict, run.redirect?.kind, run.redirect?.ifindex], [TC_ACT_REDIRECT, "neigh", eth0.ifindex]);
    assert.equal(fromWords(decode(Neighbour, run.redirect!.neighbour!).address, 4), neighbour.address);
  }
  assert.deepEqual(verdictCounts(world), { noDestination: 2 });
});

test("an error to where no route leads is dropped", async () => {
  const world = await machine!.world(64, PROGRAMS);
  configure(world.director, [byMark([])]);
  const run = world.run("tc_back", frame(LINK, udp(at("10.9.0.1", 40000), at(VIP, 53), { ttl: 63 })), eth0, MARKED);
  assert.equal(run.verdict, TC_ACT_SHOT);
  assert.deepEqual(verdictCounts(world), { noRoute: 1 });
});

test("what was here and comes again is dropped; what weir sent to the director's own socket passes untouched, once", async () => {
  const world = await machine!.world(64, PROGRAMS);
  configure(world.director, [byMark([destination(r1, 80, "route")])]);
  const bytes = frame(LINK, tcp(CLIENT, at(VIP, 80), { flags: SYN, ttl: 63 }));
  assert.equal(world.run("tc_back", bytes, eth0, { ...MARKED, tcIndex: WAS_HERE }).verdict, TC_ACT_SHOT);
  assert.deepEqual(verdictCounts(world), { cameAgain: 1 });
  assert.deepEqual(world.run("tc_back", bytes, eth0, { tcIndex: LET_BY }), { verdict: TC_ACT_UNSPEC, bytes, gsoSize: 0 });
});
