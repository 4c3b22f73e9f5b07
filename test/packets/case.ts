// A packet case is data: what the director was told, and packet by packet what comes and what must become of it.
// run-cases.ts runs every case on both executors and at both hooks.

import type { Destination, Director, ForwardMethod, Protocol, Service, ServiceId } from "#model/director.js";
import { addressFamily } from "#model/address.js";
import type { ProgramName } from "#control/programs.js";
import type { VerdictName } from "#control/verdicts.js";
import type { Sysctls } from "#model/sysctls.js";
import { frame, totalLengthOf } from "./frame.js";
import type { Host, NetworkInterface } from "./network.js";
import { VIP, client, eth0 } from "./network.js";
import type { Hook, World } from "./world.js";

export interface Case {
  /** A sentence. */
  readonly description: string;
  readonly services: readonly ServiceDescription[];
  readonly steps: readonly Step[];
  /** Where the case does not run, with the reason. */
  readonly notAt?: { readonly [hook in Hook]?: string };
  /** How many connections fit; 64 when nothing is said. */
  readonly connections?: number;
  /** Those that it needs, where another size of the table makes the verifier read them once more; all of them when nothing is said. */
  readonly programs?: readonly ProgramName[];
}

export interface ServiceDescription {
  readonly service: Service;
  readonly destinations: readonly Destination[];
}

/** One thing after the other. */
export type Step =
  /** A frame comes in. */
  | { readonly frame: Uint8Array; readonly by: NetworkInterface; readonly expect: Expectation; /** A firewall mark that it has when it comes to TC. */ readonly mark?: number; /** Why the kernel cannot be given it. */ readonly notInKernel?: string | undefined }
  /** The administrator, or the neighbourhood, does something. */
  | { readonly change: (world: World) => void }
  /** These connections there are, no others, in any order. */
  | { readonly connections: readonly ConnectionExpectation[] }
  /** What is counted with a destination, of what is named here. */
  | { readonly destination: Host; readonly is: DestinationExpectation };

/** What is counted with destinations. */
export interface Counts {
  readonly packetsIn?: number;
  readonly packetsOut?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
}

export type Expectation = ToStack | Dropped | Forwarded | Refused;

/** The kernel's own stack gets it as it is, or, of a server by NAT, as this IP packet. */
export interface ToStack {
  readonly fate: "stack";
  readonly packet?: Uint8Array;
  /** Undefined: it is a connection's packet, counted with the destination that the director itself is, or that it answers for. */
  readonly verdict: VerdictName | undefined;
  /** Why XDP leaves it to TC, and so does not count it. */
  readonly leftToTc?: string | undefined;
  /** Of a connection's packet, as by Forwarded. */
  readonly counts?: Counts;
}

export interface Dropped {
  readonly fate: "dropped";
  readonly verdict: VerdictName;
  /** With the destination, as if it had been forwarded. */
  readonly counted: boolean;
  /** Of one that is counted, as by Forwarded. */
  readonly counts?: Counts;
}

/** It goes to that host, as this IP packet. */
export interface Forwarded {
  readonly fate: "forwarded";
  readonly to: Host;
  /** A function when nobody promises some value in it: the packet that left has that value. */
  readonly packet: Uint8Array | ((sent: Uint8Array) => Uint8Array);
  readonly direction: "in" | "out";
  /** Counted, if that is not one packet of its length as it came. */
  readonly counts?: Counts;
  /** Why XDP leaves it to TC. */
  readonly leftToTc?: string;
  /** Those that it came with: what leaves is compared without. */
  readonly checksumsWrong?: boolean;
}

/** An ICMP error goes back to its sender. */
export interface Refused {
  readonly fate: "refused";
  readonly verdict: VerdictName;
  readonly packet: Uint8Array;
  /** Its cause with the destination, as if it had been forwarded; "both ways": and the error itself as an answer. */
  readonly counted: "counted" | "counted both ways" | undefined;
  readonly checksumsWrong?: boolean;
}

export interface ConnectionExpectation {
  readonly client: string;
  readonly virtual: string;
  readonly destination: string;
  readonly state: string;
  /** Give or take a second. */
  readonly expiresSeconds: number;
}

export interface DestinationExpectation {
  readonly active?: number;
  readonly inactive?: number;
  readonly persistent?: number;
  readonly connections?: bigint;
  readonly packetsIn?: bigint;
  readonly packetsOut?: bigint;
  readonly bytesIn?: bigint;
  readonly bytesOut?: bigint;
}

// --- What cases are written with --------------------------------------------------------------------------------

export const serviceId = (protocol: Protocol, port: number, address: string = VIP): ServiceId & { readonly kind: "address" } => ({ kind: "address", protocol, address, port });

export function service(protocol: Protocol, port: number, destinations: readonly Destination[], changes: Partial<Service> & { readonly address?: string } = {}): ServiceDescription {
  const { address = VIP, ...rest } = changes;
  return {
    service: {
      id: serviceId(protocol, port, address), scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0, netmask: addressFamily(address) === 6 ? "128" : "255.255.255.255", persistenceEngine: "",
      onePacket: false, ...rest,
    },
    destinations,
  };
}

export function destination(host: Host, port: number, forward: ForwardMethod, changes: Partial<Destination> = {}): Destination {
  return {
    address: host.address, port, forward, weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none", ...changes,
  };
}

/** The administrator sets sysctls of net.ipv4.vs. */
export const sysctl = (values: Partial<Sysctls>): Step => ({ change: ({ director }) => director.setSysctls(values) });

/** From the client, or from a host beyond the router, by eth0. */
export const fromClient = (packet: Uint8Array, expect: Expectation, from: Host = client): Step => ({ frame: frame({ from: from.mac!, to: eth0.mac }, packet), by: eth0, expect });

/** The same with a firewall mark, as TC sees it; XDP never does, and leaves the packet to it. */
export const fromClientMarked = (mark: number, packet: Uint8Array, expect: Expectation, from: Host = client): Step => ({ ...fromClient(packet, expect, from) as Extract<Step, { frame: Uint8Array }>, mark });

/** From a real server, by the interface that it is at. */
export const fromServer = (server: Host, packet: Uint8Array, expect: Expectation): Step =>
  ({ frame: frame({ from: server.mac!, to: server.interface.mac }, packet), by: server.interface, expect });

export const toStack = (verdict: VerdictName, leftToTc?: string): ToStack => ({ fate: "stack", verdict, leftToTc });
export const delivered: ToStack = { fate: "stack", verdict: undefined };
export const deliveredAs = (packet: Uint8Array): ToStack => ({ ...delivered, packet });
/** An answer that the VIP itself is the source of, so that the stack forwards it. */
export const passes = (packet: Uint8Array): ToStack => ({ fate: "stack", verdict: undefined, counts: { packetsOut: 1, bytesOut: totalLengthOf(packet) } });
export const dropped = (verdict: VerdictName, counted?: "counted"): Dropped => ({ fate: "dropped", verdict, counted: counted !== undefined });
export const refused = (verdict: VerdictName, packet: Uint8Array, counted?: Refused["counted"]): Refused => ({ fate: "refused", verdict, packet, counted });
/** A request, on its way to a server. */
export const forwarded = (to: Host, packet: Forwarded["packet"]): Forwarded => ({ fate: "forwarded", to, packet, direction: "in" });
/** A server's answer, on its way back. */
export const answered = (to: Host, packet: Uint8Array): Forwarded => ({ fate: "forwarded", to, packet, direction: "out" });

export function configure(director: Director, services: readonly ServiceDescription[]): void {
  for (const { service: described, destinations } of services) {
    director.addService(described);
    for (const one of destinations) director.addDestination(described.id, one);
  }
}
