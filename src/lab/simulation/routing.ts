// Routes and neighbours of the simulated hosts: what their kernels' tables would say, read off the plan (plan.ts).

import { VIP, type HostPlan, type InterfacePlan, type NetworkPlan } from "../plan.js";
import { frameOf } from "./packet.js";

export interface NextHop {
  readonly interface: InterfacePlan;
  /** The gateway's address, or the destination's own. */
  readonly address: string;
  readonly mac: string;
}

/** A frame on its way out. */
export interface Departure {
  readonly interface: InterfacePlan;
  readonly frame: Uint8Array;
}

/** Where `host` sends what is for `address`; undefined without a route or a neighbour. */
export function nextHop({ hosts }: NetworkPlan, host: HostPlan, address: string): NextHop | undefined {
  const gateway = connected(host, address) === undefined ? gatewayTo(host, address) : address;
  const out = gateway === undefined ? undefined : connected(host, gateway);
  if (gateway === undefined || out === undefined) return undefined;
  const neighbour = hosts.flatMap((other) => other.interfaces.filter((candidate) => candidate.segment.name === out.segment.name && answers(other, candidate, gateway)))[0];
  return neighbour && { interface: out, address: gateway, mac: neighbour.mac };
}

/** The IP packet from `host` to `address`, as it goes out; nothing where no way leads. */
export function send(plan: NetworkPlan, host: HostPlan, address: string, packet: Uint8Array): readonly Departure[] {
  const hop = nextHop(plan, host, address);
  return hop === undefined ? [] : [{ interface: hop.interface, frame: frameOf(hop.interface.mac, hop.mac, packet) }];
}

/** Whether a packet to `address` has arrived at this host. */
export function holds({ interfaces, showsVip, hidesVip }: HostPlan, address: string): boolean {
  return interfaces.some((own) => own.address === address) || ((showsVip || hidesVip) && address === VIP);
}

/** ARP: for the interface's own address, and for the VIP where it is shown. */
function answers(host: HostPlan, at: InterfacePlan, address: string): boolean {
  return at.address === address || (host.showsVip && at === host.interfaces[0] && address === VIP);
}

/** All segments are /24. */
function connected({ interfaces }: HostPlan, address: string): InterfacePlan | undefined {
  return interfaces.find(({ segment }) => address.startsWith(`${segment.network}.`));
}

/** The plan's routes, "10.0.0.0/16 via 203.0.113.3", the longest prefix first. */
function gatewayTo({ routes }: HostPlan, address: string): string | undefined {
  const parsed = routes.map((route) => {
    const [, destination = "", gateway] = /^(\S+) via (\S+)$/.exec(route) ?? [];
    const [network = "0.0.0.0", bits = "0"] = destination === "default" ? [] : destination.split("/");
    return { network, bits: Number(bits), gateway };
  });
  return parsed.filter(({ network, bits }) => prefix(address, bits) === prefix(network, bits)).sort((a, b) => b.bits - a.bits)[0]?.gateway;
}

function prefix(address: string, bits: number): number {
  const number = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return Math.floor(number / 2 ** (32 - bits));
}
