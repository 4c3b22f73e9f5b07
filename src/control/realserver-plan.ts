// Decides what a real server needs. No I/O: the machine as it is in, settings out.

import type { Address } from "#model/director.js";
import type { Machine, MachineInterface } from "./realserver-machine.js";
import { IPIP_DEVICE } from "./realserver-machine.js";
import type { RealServerPlan } from "./realserver.js";
import type { Wanted } from "./settings/setting.js";
import { decapsulationValue } from "./settings/setting.js";

/** Why the plan cannot work on this machine, each with what would. */
export function checkPlan(plan: RealServerPlan, machine: Machine): string[] {
  const { method, vips, gateway } = plan;
  const device = hidingDevice(plan, machine);
  const problems: string[] = [];
  const holder = machine.interfaces.find(({ name }) => name === device);
  if (holder === undefined) {
    problems.push(`there is no interface "${device}" here; there are ${machine.interfaces.map(({ name }) => name).join(", ")}`);
  } else if (holder.answersArp) {
    problems.push(`"${device}" would answer ARP for the VIP, which only the director may; hide it on lo`);
  }
  if (method === "tun" && machine.hasIpipDevice && device !== IPIP_DEVICE) {
    problems.push(`by tun the VIPs stand on ${IPIP_DEVICE}, which takes no packets without an address; leave --device ${device} away`);
  }
  if (method === "nat") problems.push(...checkNat(vips, gateway, machine));
  if (method === "tun") {
    for (const vip of vips.filter(isIpv6)) problems.push(`${vip} is IPv6, and tunnels are IPv4 in IPv4 here; use method dr for it`);
  }
  if (method !== "nat") {
    for (const { interface: name, address } of machine.addresses) {
      if (vips.includes(address) && name !== device && outer(machine).some((candidate) => candidate.name === name)) {
        const remedy = `take it away there: ip address del ${address} dev ${name}`;
        problems.push(`${address} is on ${name}, where it answers ARP as the director should; ${remedy}`);
      }
    }
  }
  return problems;
}

/** In the order in which they are made: ARP is silenced before the VIP is there, so that it is never announced. */
export function planSettings(plan: RealServerPlan, machine: Machine): Wanted[] {
  switch (plan.method) {
    case "dr": return [...quietArp(plan, machine), ...hiddenVips(plan, machine)];
    case "tun": return [...quietArp(plan, machine), ...decapsulation(plan, machine), ...hiddenVips(plan, machine)];
    case "nat": return wayBack(plan, machine);
  }
}

function checkNat(vips: readonly Address[], gateway: Address | undefined, machine: Machine): string[] {
  const problems = machine.addresses.filter(({ address }) => vips.includes(address)).map(({ interface: name, address }) =>
    `by nat the VIP is the director's alone, and ${address} is on ${name}; take it away: ip address del ${address} dev ${name}`);
  if (gateway === undefined && machine.gateway === undefined) {
    problems.push("by nat answers go back through the director, and there is no default route; name the director's address with --gateway");
  }
  if (gateway !== undefined && deviceTo(gateway, machine) === undefined) {
    problems.push(`the gateway ${gateway} is in no network of this machine's; give the director's address in the real servers' network`);
  }
  if (gateway !== undefined && machine.addresses.some(({ address }) => address === gateway)) {
    problems.push(`the gateway ${gateway} is this machine's own address; give the director's`);
  }
  return problems;
}

/**
 * arp_ignore 1: answer only for addresses of the interface that was asked; arp_announce 2: never name the VIP as the
 * sender. Linux Documentation/networking/ip-sysctl.rst: of conf/all and conf/INTERFACE the higher value counts, so
 * both are looked at. IPv6 needs neither: a neighbour solicitation is answered only for addresses of the interface it
 * came in by (Linux v6.18 net/ipv6/ndisc.c, ndisc_recv_ns()).
 */
function quietArp({ vips }: RealServerPlan, machine: Machine): Wanted[] {
  if (vips.every(isIpv6)) return [];
  const names = ["all", ...outer(machine).map(({ name }) => name)];
  return names.flatMap((name) => [
    sysctlUnless(machine, name, "arp_ignore", "1", HIDING_ARP_IGNORE),
    sysctlUnless(machine, name, "arp_announce", "2", ["2"]),
  ]);
}

/** 1 and 2 answer for the interface's own addresses only, 8 for none; 3 would answer for a VIP of global scope on lo. */
const HIDING_ARP_IGNORE = ["1", "2", "8"];

function hiddenVips(plan: RealServerPlan, machine: Machine): Wanted[] {
  const device = hidingDevice(plan, machine);
  return plan.vips.map((address) => ({
    setting: isIpv6(address)
      ? { kind: "address", interface: device, address, prefixLength: 128 }
      : { kind: "address", interface: device, address, prefixLength: 32, label: `${device}:weir`.slice(0, LABEL_MAX) },
    value: "present",
  }));
}

/** tunl0 answers no ARP either, and must have an address (see decapsulation()). */
function hidingDevice({ method, device }: RealServerPlan, { hasIpipDevice }: Machine): string {
  return device ?? (method === "tun" && hasIpipDevice ? IPIP_DEVICE : "lo");
}

/** Linux include/uapi/linux/if.h: IFNAMSIZ is 16, with the zero at the end. */
const LABEL_MAX = 15;

/**
 * By the kernel's IPIP device where there is one. Packets then come in by tunl0 with a client's address as the source,
 * to which the way back is by another interface: rp_filter 2 (loose) lets that pass, and as the higher value it counts
 * even where conf/all says 1; 0 would not. It lets nothing pass on a device without an address: Linux v6.18
 * net/ipv4/fib_frontend.c, __fib_validate_source(), no_addr. So the VIPs stand on tunl0.
 */
function decapsulation(plan: RealServerPlan, machine: Machine): Wanted[] {
  if (machine.hasIpipDevice) {
    return [
      { setting: { kind: "link", interface: IPIP_DEVICE }, value: "up" },
      sysctlUnless(machine, IPIP_DEVICE, "rp_filter", "2", ["2"]),
    ];
  }
  const own = machine.addresses.filter(({ address, interface: name }) =>
    !isIpv6(address) && !plan.vips.includes(address) && outer(machine).some((candidate) => candidate.name === name));
  const value = decapsulationValue(plan.vips, own.map(({ address }) => address));
  return outer(machine).flatMap(({ name }): Wanted[] => [
    { setting: { kind: "decapsulation", interface: name }, value },
    // Taken out of the tunnel, the packet has come in here with a client's address: strict filtering may refuse it.
    ...(filtersReversePath(name, machine) ? [sysctlUnless(machine, name, "rp_filter", "2", ["2"])] : []),
  ]);
}

function wayBack({ gateway }: RealServerPlan, machine: Machine): Wanted[] {
  const device = gateway === undefined ? undefined : deviceTo(gateway, machine);
  return device === undefined ? [] : [{ setting: { kind: "defaultRoute" }, value: `via ${gateway} dev ${device}` }];
}

function filtersReversePath(name: string, { sysctl }: Machine): boolean {
  return ["all", name].some((conf) => (sysctl(`net/ipv4/conf/${conf}/rp_filter`) ?? "0") !== "0");
}

/** A value that is good as it is stays. */
function sysctlUnless({ sysctl }: Machine, conf: string, key: string, value: string, good: readonly string[]): Wanted {
  const name = `net/ipv4/conf/${conf}/${key}`;
  const now = sysctl(name);
  return { setting: { kind: "sysctl", name }, value: now !== undefined && good.includes(now) ? now : value };
}

const outer = ({ interfaces }: Machine): MachineInterface[] => interfaces.filter(({ answersArp }) => answersArp);

const isIpv6 = (address: Address): boolean => address.includes(":");

/** The interface in whose network the address is. */
function deviceTo(address: Address, { addresses }: Machine): string | undefined {
  if (isIpv6(address)) return undefined;
  return addresses.find((own) => !isIpv6(own.address) && inNetwork(address, own.address, own.prefixLength))?.interface;
}

function inNetwork(address: Address, network: Address, prefixLength: number): boolean {
  const mask = prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
  return (toNumber(address) & mask) === (toNumber(network) & mask);
}

const toNumber = (address: Address): number => address.split(".").reduce((number, byte) => (number << 8) | Number(byte), 0);
