// The schedulers choose as the real IPVS did: recordings/schedulers-closed.txt, connection by connection, by real packets.
//
//   rr close src=1 vport=1005 sport=20120+i [r1:1 r2:2 r3:3] then add r4:2: r3 r2 r1 … | r4 r3 r2 r1 …
//      10.1.0.11:80 a=0 i=8;   10.1.0.12:80 a=0 i=8;   10.1.0.13:80 a=0 i=8;
//
// Each connection is closed before the next begins; behind the bar stand those after the change. Services by firewall
// mark ("dst=12") and connections that stay open are in schedulers/recorded.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SCHEDULERS } from "#control/encode.js";
import { HASH_FALLBACK, HASH_PORT } from "#dataplane/maps.js";
import { dissect } from "#lab/dissect.js";
import type { Destination } from "#model/director.js";
import { configure, destination, service, serviceId } from "./case.js";
import { EXECUTORS } from "./executors.js";
import type { End } from "./frame.js";
import { ACK, FIN, SYN, frame, tcp } from "./frame.js";
import type { Host } from "./network.js";
import { VIP, at, client, eth0, eth1, servers } from "./network.js";
import { allDestinations } from "./observe.js";
import { linesOf } from "./recording.js";
import type { Hook, World } from "./world.js";
import { HOOKS, PLAIN_PROGRAMS, meet } from "./world.js";

interface Recorded {
  readonly text: string;
  readonly scheduler: string;
  readonly flags: number;
  readonly clients: readonly End[];
  readonly port: number;
  readonly members: readonly Destination[];
  readonly change: Change | undefined;
  /** The server's name, or "(refused)", of every connection, and how many of them came before the change. */
  readonly outcomes: readonly string[];
  readonly changeAfter: number;
  /** Active and inactive connections of every server at the end, where they were recorded. */
  readonly counts: readonly string[];
}

interface Change {
  readonly verb: "add" | "edit" | "del";
  readonly member: Destination;
}

for (const recorded of recordings()) {
  const missing = SCHEDULERS[recorded.scheduler] === undefined ? `this director has no scheduler ${recorded.scheduler}` : undefined;
  for (const executor of EXECUTORS) {
    test(`as recorded on ${executor.name}: ${recorded.text}`, { skip: executor.lacks || missing || false }, async () => {
      for (const hook of HOOKS) replay(await executor.world(64, PLAIN_PROGRAMS), hook, recorded);
    });
  }
}

function replay(world: World, hook: Hook, { scheduler, flags, clients, port, members, change, outcomes, changeAfter, counts }: Recorded): void {
  const id = serviceId("tcp", port);
  configure(world.director, [service("tcp", port, members, { scheduler, schedulerFlags: flags })]);
  const found = clients.map((from, i) => {
    if (i === changeAfter && change?.verb === "add") world.director.addDestination(id, change.member);
    if (i === changeAfter && change?.verb === "edit") world.director.editDestination(id, change.member);
    if (i === changeAfter && change?.verb === "del") world.director.deleteDestination(id, change.member);
    return converse(world, hook, from, at(VIP, port));
  });
  assert.deepEqual(found, outcomes, `at ${hook.toUpperCase()}`);
  if (counts.length > 0) assert.deepEqual(countsOf(world), counts);
}

/** A whole connection, from SYN to TIME_WAIT: the server that it went to, or "(refused)". */
function converse(world: World, hook: Hook, from: End, to: End): string {
  const send = (flags: number) => dissect(meet(world, hook, frame({ from: client.mac!, to: eth0.mac }, tcp(from, to, { flags })), eth0).bytes);
  const { ip } = send(SYN);
  const server = servers.find(({ address }) => address === ip!.destination);
  if (server === undefined) return "(refused)";
  const answer = (flags: number) => meet(world, hook, frame({ from: server.mac!, to: eth1.mac }, tcp(at(server, 80), from, { flags })), eth1);
  answer(SYN | ACK);
  send(ACK);
  send(FIN | ACK);
  answer(FIN | ACK);
  send(ACK);
  return server.name;
}

/** As they stand in the recording: in the order of addresses. */
function countsOf(world: World): readonly string[] {
  return allDestinations(world).map(({ address, port, activeConnections, inactiveConnections }) => `${address}:${port} a=${activeConnections} i=${inactiveConnections}`).sort();
}

/** Those without firewall marks: "dst=12" has services by mark. */
function recordings(): readonly Recorded[] {
  const lines = linesOf("schedulers-closed.txt");
  return lines.flatMap((line, i) => {
    const match = /^(\w+)(?: -b (\S+))? close src=(1|24) vport=(\d+) sport=(\d+)\+i \[(.*?)\](?: then (add|edit|del) (\S+))?: (.*)$/.exec(line);
    if (match === null) return [];
    const [, scheduler, flags = "", sources, port, sourcePort, members, verb, member, results] = match;
    const [before, after] = results!.split(" | ").map((names) => names.split(" ")) as [string[], string[]?];
    const outcomes = [...before, ...(after ?? [])];
    const next = lines[i + 1] ?? "";
    return [{
      text: line, scheduler: scheduler!, flags: flagBits(flags), port: Number(port), outcomes, changeAfter: before.length,
      clients: outcomes.map((_, number) => at(sources === "1" ? client.address : `10.0.0.${50 + number}`, Number(sourcePort) + number)),
      members: members!.split(" ").map(toMember), change: verb === undefined ? undefined : { verb: verb as Change["verb"], member: toMember(member!) },
      counts: next.startsWith("   ") ? next.split(";").map((count) => count.trim()).filter((count) => count !== "") : [],
    }];
  });
}

/** "r3:2" is r3 with weight 2. */
function toMember(text: string): Destination {
  const [name, weight = "1"] = text.replace(/:$/, "").split(":");
  return destination(servers.find((host: Host) => host.name === name)!, 80, "masq", { weight: Number(weight) });
}

function flagBits(text: string): number {
  return (text.includes("-fallback") ? HASH_FALLBACK : 0) | (text.includes("-port") ? HASH_PORT : 0);
}
