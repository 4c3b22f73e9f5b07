// One request's walk, as captured: which packet went over which wire, with which addresses. The request is the first
// packet with data from the client, the response the first with data to it; TCP's sequence numbers, which no forwarding
// method changes, say which packets elsewhere are the same ones.

import { dissect, type Dissection, type Ip, type Tcp } from "./dissect.js";
import { portsOf } from "./describe.js";
import { LabError } from "./errors.js";
import type { Tap, WireFrame } from "./tap.js";
import type { Topology } from "./topology.js";

export interface Walk {
  /** The real server that answered. */
  readonly server: string;
  /** In the order that they happened. */
  readonly steps: readonly WalkStep[];
}

/** One packet on one wire. */
export interface WalkStep {
  readonly way: "request" | "response";
  /** Hosts; `to` is the one that has the destination MAC address. */
  readonly from: string;
  readonly to: string;
  readonly sourceMac: string;
  readonly destinationMac: string;
  /** Outermost first: two of them inside a tunnel. */
  readonly headers: readonly WalkHeader[];
}

export interface WalkHeader {
  readonly source: string;
  readonly destination: string;
  /** Undefined in an outer header. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  readonly ttl: number;
}

/** In these networks an answer takes a few. */
const ANSWER_MILLISECONDS = 2000;

/** Sends one HTTP request from the client to the VIP and follows it and its answer over every wire. */
export async function walkRequest(topology: Topology, port: number): Promise<Walk> {
  const client = await topology.worker(topology.namespaces.client);
  const tap: Tap = await topology.tap();
  const asked = await client.get({ address: topology.vip, port, timeoutMilliseconds: ANSWER_MILLISECONDS }).catch((error: unknown) => error as Error);
  const { frames } = await tap.stop();
  if (asked instanceof Error) throw new LabError("NOT_SEEN", `${asked.message}${whereItEnded(frames, topology)}`, { cause: asked });
  return { server: asked.server, steps: walkOf(frames, topology, asked.localPort) };
}

/** The walk of the connection from the client's port `localPort`, in all that was captured. */
export function walkOf(frames: readonly WireFrame[], topology: Pick<Topology, "hosts">, localPort: number): readonly WalkStep[] {
  const owners = ownersOf(topology);
  const sent = frames.filter((frame) => frame.direction === "out").map((frame) => ({ frame, packet: dissect(frame.bytes) }));
  const atClient = (direction: "in" | "out", index: 0 | 1): Tcp => {
    const found = frames.filter((frame) => frame.host === "client" && frame.direction === direction)
      .map((frame) => innermost(dissect(frame.bytes).ip))
      .find((ip) => ip?.tcp !== undefined && ip.tcp.payload.length > 0 && portsOf(ip)[index] === localPort);
    if (found?.tcp !== undefined) return found.tcp;
    throw new LabError("NOT_SEEN", `No packet with data ${direction === "out" ? "from" : "to"} the client's port ${localPort} was captured`);
  };
  const request = atClient("out", 0);
  const response = atClient("in", 1);
  return sent.flatMap(({ frame, packet }) => {
    const tcp = innermost(packet.ip)?.tcp;
    if (tcp === undefined) return [];
    if (isSame(tcp, request) && tcp.sourcePort === localPort) return [step("request", frame, packet, owners)];
    if (isSame(tcp, response) && tcp.destinationPort === localPort) return [step("response", frame, packet, owners)];
    return [];
  });
}

function step(way: WalkStep["way"], frame: WireFrame, packet: Dissection, owners: ReadonlyMap<string, string>): WalkStep {
  return {
    way, from: frame.host, to: owners.get(packet.destination) ?? packet.destination,
    sourceMac: packet.source, destinationMac: packet.destination, headers: headersOf(packet.ip),
  };
}

function headersOf(ip: Ip | undefined): WalkHeader[] {
  if (ip === undefined) return [];
  const [sourcePort, destinationPort] = portsOf(ip);
  return [{ source: ip.source, destination: ip.destination, sourcePort, destinationPort, ttl: ip.ttl }, ...headersOf(ip.inner)];
}

const innermost = (ip: Ip | undefined): Ip | undefined => (ip?.inner === undefined ? ip : innermost(ip.inner));

/** The same segment, whatever its addresses and ports have become: retransmissions are the same too. */
const isSame = (a: Tcp, b: Tcp): boolean => a.sequence === b.sequence && a.payload.length === b.payload.length && a.payload.length > 0;

const ownersOf = ({ hosts }: Pick<Topology, "hosts">): ReadonlyMap<string, string> =>
  new Map(hosts.flatMap((host) => host.interfaces.map(({ mac }): [string, string] => [mac, host.name])));

/** For the message of a request without an answer: how far its packets came. */
function whereItEnded(frames: readonly WireFrame[], { hosts }: Topology): string {
  const owners = ownersOf({ hosts });
  const hops = frames.flatMap((frame) => {
    const packet = dissect(frame.bytes);
    return frame.direction === "out" && innermost(packet.ip)?.tcp ? [`${frame.host} > ${owners.get(packet.destination) ?? packet.destination}`] : [];
  });
  return hops.length === 0 ? "; no packet left the client" : `; its packets went ${[...new Set(hops)].join(", ")}`;
}
