// The network of packets/network.ts as a kernel's stack sees it: a network namespace with tap devices for interfaces.

import { spawnSync } from "node:child_process";
import { ETH_P_IP, ETH_P_IPV6, dissect } from "#lab/dissect.js";
import { inNetworkNamespace } from "#kernel/namespace.js";
import { interfaces, neighbours, routes } from "../packets/network.js";
import type { TestNamespace } from "../packets/test-namespace.js";
import { addNamespace } from "../packets/test-namespace.js";
import { MARKING } from "./features/marks.js";
import { TapDevice } from "./tap-device.js";
import { ipv4Addresses, ipv6Addresses } from "./addresses.js";
import type { Passage } from "./transcript.js";

/** Nothing is sent but what a packet asks for, and every packet that asks for an error gets one. */
const SYSCTLS = [
  "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0", "net.ipv6.conf.all.forwarding=1", "net.ipv6.icmp.ratelimit=0", "net.ipv6.auto_flowlabels=0",
  ...["all", "default"].flatMap((name) => [`net.ipv4.conf.${name}.rp_filter=0`, `net.ipv4.conf.${name}.send_redirects=0`, `net.ipv6.conf.${name}.accept_dad=0`, `net.ipv6.conf.${name}.router_solicitations=0`]),
];

export class TapNetwork {
  readonly #namespace: TestNamespace;
  readonly #taps: readonly TapDevice[];

  /** `marks`: packets have those of features/marks.ts when they have come in. */
  constructor({ marks = false }: { readonly marks?: boolean } = {}) {
    this.#namespace = addNamespace();
    this.run("sysctl", ["-qw", ...SYSCTLS]);
    this.#taps = this.#inside(() => interfaces.map(({ name }) => new TapDevice(name)));
    this.#batch("ip", NETWORK);
    if (marks) this.#batch("tc", MARKING(interfaces[0].name).map((command) => `${command}\n`).join(""));
  }

  #batch(program: "ip" | "tc", commands: string): void {
    const { status, printed } = this.run(program, ["-batch", "-"], commands);
    if (status !== 0) throw new Error(`Cannot build the network of a comparison: ${program} said "${printed.trim()}" to\n${commands}`);
  }

  /** A command in the namespace: what it printed, stderr last, and its exit status. */
  run(program: string, words: readonly string[], input = ""): { readonly printed: string; readonly status: number } {
    const { status, stdout, stderr, error } = this.#inside(() => spawnSync(program, words, { encoding: "utf8", input }));
    if (error !== undefined) throw error;
    return { printed: stdout + stderr, status: status ?? 1 };
  }

  /** What goes out because of it, questions for neighbours and the like apart: interface by interface, in order. */
  inject({ by, bytes }: Passage): readonly Passage[] {
    this.#taps.find(({ name }) => name === by)!.write(bytes);
    return this.#taps.flatMap((tap) => [...framesOf(tap)].map((sent) => ({ by: tap.name, bytes: sent })));
  }

  close(): void {
    for (const tap of this.#taps) tap.close();
    this.#namespace.remove();
  }

  #inside<T>(use: () => T): T {
    return inNetworkNamespace(this.#namespace.path, use);
  }
}

function* framesOf(tap: TapDevice): Generator<Uint8Array> {
  for (let bytes = tap.read(); bytes !== undefined; bytes = tap.read()) if (isOfPackets(bytes)) yield bytes;
}

/** IPv4, and IPv6 to a host: what is for a group, its neighbour discovery sends on its own. */
function isOfPackets(bytes: Uint8Array): boolean {
  const { etherType } = dissect(bytes);
  return etherType === ETH_P_IP || (etherType === ETH_P_IPV6 && (bytes[0]! & 1) === 0);
}

const NETWORK = [
  "link set lo up",
  ...interfaces.flatMap(({ name, mac, address, prefixLength, addressIpv6, prefixLengthIpv6, mtu }) => [
    `link set ${name} address ${mac} mtu ${mtu}`, `link set ${name} up`, `address add ${address}/${prefixLength} dev ${name}`,
    `address add ${addressIpv6}/${prefixLengthIpv6} dev ${name} nodad`,
  ]),
  ...ipv4Addresses.virtual.map((address) => `address add ${address}/32 dev ${interfaces[0].name}`),
  ...ipv6Addresses.virtual.map((address) => `address add ${address}/128 dev ${interfaces[0].name} nodad`),
  ...neighbours.filter(({ mac }) => mac !== undefined).map(({ address, mac, interface: { name } }) => `neighbour add ${address} lladdr ${mac} dev ${name} nud permanent`),
  ...routes.map(({ destination, prefixLength, gateway }) => `route add ${destination}/${prefixLength} via ${gateway.address}`),
].map((command) => `${command}\n`).join("");
