// What ipvsadm's options mean: of ipvsadm(8) and of the shells' completion. The program itself never loads this; its
// own --help is usage.ts, to the byte what the real one prints.

import type { Command, CommandOption } from "./options.js";
import { COMMAND_RULES, OPTIONS } from "./options.js";

export interface OptionMeaning {
  /** What stands behind the option: a word for each value. */
  readonly value?: string;
  readonly meaning: string;
}

/** By long name. */
export const OPTION_MEANINGS: Readonly<Record<string, OptionMeaning>> = {
  "add-service": { meaning: "adds a virtual service; its scheduler is `wlc` if none is named" },
  "edit-service": { meaning: "gives a virtual service other settings; its servers and connections stay" },
  "delete-service": { meaning: "removes a virtual service with its servers" },
  clear: { meaning: "removes all services; connections that stand go on until they end" },
  restore: { meaning: "reads lines as `--save` writes them from the standard input, and runs each as a command" },
  save: { meaning: "prints the commands that would make what stands now" },
  "add-server": { meaning: "adds a real server to a service" },
  "edit-server": { meaning: "gives a real server another weight, method or thresholds; its connections stay" },
  "delete-server": { meaning: "removes a real server from a service; connections go on as the sysctl `expire_nodest_conn` says" },
  list: { meaning: "lists the services with their servers, or one service, or with `--connection` the connections" },
  zero: { meaning: "begins all counters anew, or those of one service" },
  set: { value: "tcp tcpfin udp", meaning: "sets for how many seconds idle connections are kept: TCP, TCP after a FIN, UDP; 0 leaves one as it is" },
  "start-daemon": { value: "role", meaning: "starts synchronisation of connections as `master` or `backup`: a process that tells other directors of this one's connections, or takes what they tell" },
  "stop-daemon": { value: "role", meaning: "stops it" },
  help: { meaning: "prints a short help" },
  version: { meaning: "prints the version: that of the ipvsadm whose place this one takes" },

  "tcp-service": { value: "service", meaning: "a service of TCP: its VIP and port, `10.0.0.100:80` or `[fd00::100]:80`; names will do for both" },
  "udp-service": { value: "service", meaning: "a service of UDP, written the same way" },
  "sctp-service": { value: "service", meaning: "a service of SCTP, written the same way" },
  "fwmark-service": { value: "mark", meaning: "a service of all packets with this firewall mark, from 1" },
  ipv6: { meaning: "after `-f`: the service is of IPv6" },
  scheduler: { value: "scheduler", meaning: "which server a new connection gets" },
  persistent: { value: "seconds", meaning: "a client stays with its server for this long after its last connection; 360 seconds if none are given" },
  netmask: { value: "mask", meaning: "which clients count as one for persistence: a mask such as `255.255.255.0`, of IPv6 a prefix length" },
  ops: { meaning: "every packet is scheduled anew (one-packet scheduling); of UDP and firewall marks" },
  pe: { value: "engine", meaning: "what makes clients one beside their address: `sip`, the Call-ID" },
  "sched-flags": { value: "flags", meaning: "flags of the scheduler, with commas between: `sh-fallback`, `sh-port`, `mh-fallback`, `mh-port`, `flag-1`, `flag-2`, `flag-3`" },
  "real-server": { value: "server", meaning: "the real server: its address, and by `-m` its port if that is not the service's" },
  masquerading: { meaning: "packets reach the server by NAT; answers come back through the director" },
  ipip: { meaning: "packets reach the server in a tunnel; it answers by itself" },
  gatewaying: { meaning: "packets reach the server by its MAC address (direct routing), which is the default; it answers by itself" },
  "tun-type": { value: "type", meaning: "with `-i`: `ipip`, which is the default, `gue` or `gre`" },
  "tun-port": { value: "port", meaning: "with `gue`: the UDP port that the server listens at" },
  "tun-nocsum": { meaning: "with `gue` or `gre`: no checksum, the default" },
  "tun-csum": { meaning: "with `gue` or `gre`: a checksum of the outer packet" },
  "tun-remcsum": { meaning: "with `gue`: remote checksum offload" },
  weight: { value: "weight", meaning: "the server's share, 1 if none is given; 0 takes no new connections" },
  "u-threshold": { value: "connections", meaning: "at this many connections the server gets no new ones; 0 for no limit" },
  "l-threshold": { value: "connections", meaning: "below this many a full server gets new ones again; 0 for three quarters of the upper threshold" },
  numeric: { meaning: "prints numbers for addresses and ports, and asks for no names" },
  connection: { meaning: "lists the connections instead of the services" },
  timeout: { meaning: "shows what `--set` has set" },
  daemon: { meaning: "shows the synchronisation daemons" },
  stats: { meaning: "shows counters: connections, packets and bytes" },
  rate: { meaning: "shows rates a second" },
  thresholds: { meaning: "shows thresholds and how many connections count for them" },
  "persistent-conn": { meaning: "shows how many persistent connections each server has" },
  "tun-info": { meaning: "shows the tunnels' types, ports and checksums" },
  nosort: { meaning: "lists in the director's own order" },
  sort: { meaning: "does nothing; lists are sorted" },
  exact: { meaning: "prints large numbers in full, without K, M and G" },
  "mcast-interface": { value: "interface", meaning: "for synchronisation: where its packets go" },
  syncid: { value: "number", meaning: "for synchronisation: which directors belong together" },
  "sync-maxlen": { value: "bytes", meaning: "for synchronisation: the longest message" },
  "mcast-group": { value: "address", meaning: "for synchronisation: the multicast group" },
  "mcast-port": { value: "port", meaning: "for synchronisation: the UDP port" },
  "mcast-ttl": { value: "number", meaning: "for synchronisation: the time to live" },
};

/** One option as a reader knows it: -L and -l are one. */
export interface ListedOption {
  readonly long: string;
  readonly shorts: readonly string[];
  readonly spec: CommandOption;
  readonly value: string | undefined;
  readonly meaning: string;
}

export function listedOptions(): readonly ListedOption[] {
  return [...new Set(OPTIONS.map(({ long }) => long))].map((long) => {
    const specs = OPTIONS.filter((option) => option.long === long);
    const { value, meaning = "" } = OPTION_MEANINGS[long] ?? {};
    return { long, shorts: specs.flatMap(({ short }) => short ?? []), spec: specs[0]!, value, meaning };
  });
}

/** The options that go with a command: what it needs, then what it takes, then what may stand anywhere. */
export function optionsOf(command: Command): readonly ListedOption[] {
  const { required = [], allowed = [], exclusive = [] } = COMMAND_RULES[command];
  const names = new Set([...required, ...exclusive, ...allowed]);
  const takesService = names.has("service-address");
  return listedOptions().filter(({ spec, long }) => spec.command === undefined
    && (spec.name === undefined ? (long === "ipv6" ? takesService : command === "list") : names.has(spec.name)));
}
