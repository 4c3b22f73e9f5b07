// What a real server's preparation depends on, as it was found on the machine.

import { runCommand } from "#kernel/command.js";
import { KernelError } from "#kernel/errors.js";
import { addresses, readSysctl, routes } from "#kernel/network.js";
import type { Address } from "#model/director.js";

/** The device that the kernel's ipip module makes in every network namespace. */
export const IPIP_DEVICE = "tunl0";

export interface Machine {
  readonly interfaces: readonly MachineInterface[];
  readonly addresses: readonly MachineAddress[];
  /** Of IPv4: the gateway's address, or undefined when there is no default route by a gateway. */
  readonly gateway: Address | undefined;
  /** The kernel can take packets out of IPIP itself: it has the device tunl0. */
  readonly hasIpipDevice: boolean;
  /** The value of net/ipv4/conf/NAME/KEY, undefined when there is none. */
  readonly sysctl: (name: string) => string | undefined;
}

export interface MachineInterface {
  readonly name: string;
  /** Neither the loopback nor a device without ARP (dummy0, tunl0, wg0). */
  readonly answersArp: boolean;
}

export interface MachineAddress {
  readonly interface: string;
  readonly address: Address;
  readonly prefixLength: number;
}

/** Looks at the network namespace that this process is in. */
export function readMachine(): Machine {
  const links = readLinks();
  return {
    interfaces: links.map(({ ifname, flags }) => ({ name: ifname, answersArp: !flags.includes("LOOPBACK") && !flags.includes("NOARP") })),
    addresses: addresses(),
    gateway: routes(4).find(({ destination, gateway }) => destination === "default" && gateway !== undefined)?.gateway,
    hasIpipDevice: links.some(({ ifname }) => ifname === IPIP_DEVICE),
    sysctl: (name) => readSetting(name),
  };
}

interface IpLinkJson { readonly ifname: string; readonly flags: readonly string[] }

function readLinks(): readonly IpLinkJson[] {
  return JSON.parse(runCommand("ip", ["-j", "link", "show"], { attempted: "list the interfaces" })) as IpLinkJson[];
}

/**
 * Makes a tunnel for a moment, at which the kernel loads its module where there is one (Linux v6.18
 * net/core/rtnetlink.c, __rtnl_newlink(): "rtnl-link-ipip"), and the module makes tunl0 in every namespace.
 */
export function wakeIpipDevice(): void {
  if (readLinks().some(({ ifname }) => ifname === IPIP_DEVICE)) return;
  const probe = "weir-ipip";
  try {
    runCommand("ip", ["link", "add", "name", probe, "type", "ipip", "local", "127.0.0.1", "remote", "127.0.0.1"], { attempted: "look for the kernel's IPIP device" });
    runCommand("ip", ["link", "delete", "dev", probe], { attempted: `remove the device ${probe}` });
  } catch (error) {
    // This kernel has none: dataplane/decapsulate.ts does it.
    if (!(error instanceof KernelError) || error.code !== "COMMAND_FAILED") throw error;
  }
}

function readSetting(name: string): string | undefined {
  try {
    return readSysctl(name);
  } catch (error) {
    if (error instanceof KernelError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
