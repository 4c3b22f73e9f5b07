// Makes a planned network (plan.ts): a namespace a host, and one more, the switch, with a bridge a segment. Every host's
// interface is a veth whose other end is a port of the bridge, named after both: "director.eth0".

import { must } from "./command.js";
import { addNamespaces } from "./namespaces.js";
import { VIP, type HostPlan, type NetworkPlan } from "./plan.js";

export interface NetworkOptions {
  /**
   * "on" (default): as veth comes, with super-packets and partial checksums between the hosts. "off": every host sends
   * frames as on a wire, with complete checksums; native XDP needs it, and so do tests that verify checksums.
   */
  readonly offloads?: "on" | "off";
  /** Whether the real servers of DR and TUN hold the VIP, hidden. Default true; `weir realserver` does it otherwise. */
  readonly hideVip?: boolean;
  /** Whether the director holds the VIP. Default true; `weir apply` can do it otherwise. */
  readonly showVip?: boolean;
  /** MTU of every segment but the client's. Default 1500; TUN needs 20 bytes more for full frames. */
  readonly mtu?: number;
}

const SWITCH = "switch";
/** The networks are IPv4's: captures show what is sent on purpose, not IPv6's neighbour discovery. */
const WITHOUT_IPV6 = ["net/ipv6/conf/all/disable_ipv6=1", "net/ipv6/conf/default/disable_ipv6=1"];

export const portOf = (host: string, interfaceName: string): string => `${host}.${interfaceName}`;
export const namespaceOf = (prefix: string, host: string): string => `${prefix}-${host}`;
export const switchOf = (prefix: string): string => namespaceOf(prefix, SWITCH);
/** All the names that buildNetwork() makes. */
export const namespacesOf = (prefix: string, plan: NetworkPlan): readonly string[] =>
  [SWITCH, ...plan.hosts.map(({ name }) => name)].map((name) => namespaceOf(prefix, name));

export async function buildNetwork(prefix: string, plan: NetworkPlan, options: NetworkOptions): Promise<void> {
  await addNamespaces(namespacesOf(prefix, plan));
  await writeSysctls(switchOf(prefix), [...WITHOUT_IPV6, "net/bridge/bridge-nf-call-iptables=0"]);
  await Promise.all(plan.hosts.map((host) => writeSysctls(namespaceOf(prefix, host.name), sysctlsOf(host, options))));
  await must(["ip", "-n", switchOf(prefix), "-batch", "-"], { input: switchCommands(prefix, plan, options) });
  await Promise.all(plan.hosts.map((host) => must(["ip", "-n", namespaceOf(prefix, host.name), "-batch", "-"], { input: hostCommands(host, options) })));
  if (options.offloads === "off") await switchOffloadsOff(prefix, plan);
}

/** Bridges, and veth pairs whose far ends are born in the hosts' namespaces: the system's own never sees them. */
function switchCommands(prefix: string, plan: NetworkPlan, options: NetworkOptions): string {
  const commands: string[] = [];
  const interfaces = plan.hosts.flatMap((host) => host.interfaces.map((own) => ({ ...own, host: host.name })));
  for (const segment of new Set(interfaces.map((own) => own.segment.name))) {
    commands.push(`link add ${segment} type bridge mcast_snooping 0`, `link set ${segment} up`);
  }
  for (const { host, name, segment, mac } of interfaces) {
    const port = portOf(host, name);
    const mtu = segment.name === "clients" ? 1500 : options.mtu ?? 1500;
    commands.push(
      `link add ${port} mtu ${mtu} type veth peer name ${name} mtu ${mtu} address ${mac} netns ${namespaceOf(prefix, host)}`,
      `link set ${port} master ${segment.name} up`,
    );
  }
  return commands.join("\n");
}

function hostCommands(host: HostPlan, options: NetworkOptions): string {
  const commands = ["link set lo up"];
  for (const { name, address } of host.interfaces) commands.push(`addr add ${address}/24 dev ${name}`, `link set ${name} up`);
  if (host.showsVip && options.showVip !== false) commands.push(`addr add ${VIP}/32 dev eth0`);
  if (host.hidesVip && options.hideVip !== false) commands.push(`addr add ${VIP}/32 dev lo`);
  for (const route of host.routes) commands.push(`route add ${route}`);
  return commands.join("\n");
}

/** Sysctls of a host, as paths under /proc/sys. */
function sysctlsOf(host: HostPlan, options: NetworkOptions): readonly string[] {
  const settings = [
    ...WITHOUT_IPV6,
    // With DR and TUN answers come from the VIP on interfaces where the way back is another.
    "net/ipv4/conf/all/rp_filter=0",
    "net/ipv4/conf/default/rp_filter=0",
  ];
  if (host.forwards) settings.push("net/ipv4/ip_forward=1", "net/ipv4/conf/all/send_redirects=0", "net/ipv4/conf/default/send_redirects=0");
  // Linux Documentation/networking/ip-sysctl.rst: answer ARP only for addresses of the asked interface; never ask with
  // an address of another one.
  if (host.hidesVip && options.hideVip !== false) settings.push("net/ipv4/conf/all/arp_ignore=1", "net/ipv4/conf/all/arp_announce=2");
  return settings;
}

/** Writes sysctls in a namespace, those that this kernel has. */
async function writeSysctls(namespace: string, settings: readonly string[]): Promise<void> {
  const script = settings.map((setting) => {
    const [path, value] = setting.split("=");
    return `[ ! -e /proc/sys/${path} ] || echo ${value} > /proc/sys/${path}`;
  }).join("\n");
  await must(["ip", "netns", "exec", namespace, "sh", "-e"], { input: script });
}

/**
 * tx off ends partial checksums and, with them, super-packets. GRO at the switch is there for native XDP: what a host sends
 * out by it arrives only where the cable's other end has NAPI (Linux v6.12 drivers/net/veth.c, veth_xdp_xmit()). It must
 * not merge frames all the same: net/core/gro.c, skb_gro_receive() merges none beyond gro_max_size.
 */
async function switchOffloadsOff(prefix: string, plan: NetworkPlan): Promise<void> {
  const cables = plan.hosts.flatMap((host) => host.interfaces.map(({ name }) => ({ namespace: namespaceOf(prefix, host.name), name, port: portOf(host.name, name) })));
  const unmerged = cables.map(({ port }) => `link set ${port} gro_max_size 1`).join("\n");
  await must(["ip", "-n", switchOf(prefix), "-batch", "-"], { input: unmerged });
  await Promise.all(cables.flatMap(({ namespace, name, port }) => [
    ethtool(namespace, name, "tx", "off"),
    ethtool(switchOf(prefix), port, "gro", "on"),
  ]));
}

async function ethtool(namespace: string, device: string, feature: string, state: string): Promise<void> {
  await must(["ip", "netns", "exec", namespace, "ethtool", "-K", device, feature, state]);
}
