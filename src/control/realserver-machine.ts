// What a real server's preparation depends on, as it was found on the machine.

import type { Address } from "#model/director.js";

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
