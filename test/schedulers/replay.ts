// Plays connections to a director, by real packets, and tells which servers took them.

import { Rows } from "#control/rows.js";
import { services, settings } from "#dataplane/maps.js";
import { serviceKey } from "#control/encode.js";
import { dissect } from "#lab/dissect.js";
import type { ServiceId } from "#model/director.js";
import { configure, service, serviceId } from "../packets/case.js";
import type { End } from "../packets/frame.js";
import { ACK, FIN, SYN, frame, tcp, udp } from "../packets/frame.js";
import { at, client, eth0, eth1, servers } from "../packets/network.js";
import { allDestinations } from "../packets/observe.js";
import type { Hook, World } from "../packets/world.js";
import { meet } from "../packets/world.js";
import type { Recorded } from "./recorded.js";

export interface Outcome {
  readonly servers: readonly string[];
  readonly counts: readonly string[];
  readonly countsAfterChange: readonly string[];
}

export function replay(world: World, hook: Hook, { scheduler, schedulerFlags, held, addresses, port, members, connections, change }: Recorded): Outcome {
  const id = serviceId("tcp", port);
  const described = service("tcp", port, members, { scheduler, schedulerFlags });
  configure(world.director, [described]);
  answerAt(world, id, addresses);
  let counts: readonly string[] | undefined;
  const chosen = connections.map(({ from, to }, i) => {
    if (i === change?.after) {
      counts = countsOf(world);
      if (change.verb === "add") world.director.addDestination(id, change.member);
      if (change.verb === "edit") world.director.editDestination(id, change.member);
      if (change.verb === "del") world.director.deleteDestination(id, change.member);
      if (change.verb === "service") world.director.editService({ ...described.service, scheduler: change.scheduler, schedulerFlags: 0 });
      answerAt(world, id, addresses);
    }
    return held ? open(world, hook, from, to) : openAndClose(world, hook, from, to);
  });
  return { servers: chosen, counts: counts ?? countsOf(world), countsAfterChange: countsOf(world) };
}

/** A connection that stays open: the name of the server that it went to, or "(refused)". */
export function open(world: World, hook: Hook, from: End, to: End): string {
  const server = serverOf(world, hook, tcp(from, to, { flags: SYN }));
  if (server === undefined) return REFUSED;
  answer(world, hook, server, tcp(at(server, 80), from, { flags: SYN | ACK }));
  send(world, hook, tcp(from, to, { flags: ACK }));
  return server.name;
}

/** From SYN to TIME_WAIT. */
export function openAndClose(world: World, hook: Hook, from: End, to: End): string {
  const name = open(world, hook, from, to);
  const server = servers.find((host) => host.name === name);
  if (server === undefined) return name;
  send(world, hook, tcp(from, to, { flags: FIN | ACK }));
  answer(world, hook, server, tcp(at(server, 80), from, { flags: FIN | ACK }));
  send(world, hook, tcp(from, to, { flags: ACK }));
  return name;
}

/** One datagram. */
export function sendDatagram(world: World, hook: Hook, from: End, to: End): string {
  return serverOf(world, hook, udp(from, to))?.name ?? REFUSED;
}

const REFUSED = "(refused)";

function send(world: World, hook: Hook, packet: Uint8Array): Uint8Array {
  return meet(world, hook, frame({ from: client.mac!, to: eth0.mac }, packet), eth0).bytes;
}

function serverOf(world: World, hook: Hook, packet: Uint8Array) {
  const { ip } = dissect(send(world, hook, packet));
  return servers.find((host) => host.address === ip!.destination);
}

function answer(world: World, hook: Hook, server: (typeof servers)[number], packet: Uint8Array): void {
  meet(world, hook, frame({ from: server.mac!, to: eth1.mac }, packet), eth1);
}

/**
 * The service at all these addresses, as a firewall mark makes it: its entry stands under every one of them. To be done
 * again when it has changed.
 */
export function answerAt(world: World, id: ServiceId & { kind: "address" }, addresses: readonly string[]): void {
  const entries = world.store.hash(services);
  const entry = entries.lookup(serviceKey(id))!;
  for (const address of addresses) entries.update(serviceKey({ ...id, address }), entry);
  const everyAddress = Array.from({ length: VIP_FILTER_WORDS }, () => ~0n);
  new Rows(world.store, settings).write(0, { vipFilter: everyAddress });
}
const VIP_FILTER_WORDS = settings.value.types.vipFilter.length;

/** As a recording has them: in the order of addresses. */
function countsOf(world: World): readonly string[] {
  const lines = allDestinations(world).map(({ address, port, activeConnections, inactiveConnections }) => `${address}:${port} a=${activeConnections} i=${inactiveConnections}`);
  return [...new Set(lines)].sort();
}
