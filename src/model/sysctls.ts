// The sysctls of net.ipv4.vs: names, defaults, ranges and meanings as Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c has them in
// vs_vars[], the proc_do_…() handlers and ip_vs_control_net_init_sysctl(); ip_vs_lblc.c and ip_vs_lblcr.c theirs. From this table come what
// weir.yaml and `weir sysctl` accept, what is listed, docs/sysctls.md, and the values that the data plane starts with.

import { nearest } from "./suggest.js";

/** sync_threshold has two numbers, all others one. */
export type SysctlValue = number | readonly [number, number];

export interface Sysctl {
  /** Undefined: as much as the memory of the machine allows. */
  readonly default: SysctlValue | undefined;
  /** Completes "… is not". */
  readonly expected: string;
  readonly accepts: (value: SysctlValue) => boolean;
  readonly meaning: string;
  /** Why nothing in weir goes by it, though its value is kept; undefined where weir does as IPVS. */
  readonly unused: string | undefined;
}

/** The kernel's int. */
const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;
/** Times are kept in jiffies, 250 a second, in an int: proc_dointvec_jiffies(). */
const SECONDS_MAX = Math.floor(INT_MAX / 250);


const between = (min: number, max: number) => (value: SysctlValue): boolean => typeof value === "number" && value >= min && value <= max;
const sysctl = (start: SysctlValue | undefined, expected: string, accepts: Sysctl["accepts"], meaning: string, unused?: string): Sysctl =>
  ({ default: start, expected, accepts, meaning, unused });

/** proc_dointvec(): any int. Of a switch, all but 0 is on. */
const number = (start: number, meaning: string, unused?: string): Sysctl => sysctl(start, "a whole number", between(INT_MIN, INT_MAX), meaning, unused);
const range = (start: number, min: number, max: number, meaning: string, unused?: string): Sysctl =>
  sysctl(start, `a whole number from ${min} to ${max}`, between(min, max), meaning, unused);
const seconds = (start: number, meaning: string, unused?: string): Sysctl =>
  sysctl(start, `a number of seconds from ${-SECONDS_MAX} to ${SECONDS_MAX}`, between(-SECONDS_MAX, SECONDS_MAX), meaning, unused);
/** proc_do_defense_mode() */
const defense = (meaning: string): Sysctl => range(0, 0, 3, `${meaning}: 0 never, 3 always, 1 while there is less room than \`amemthresh\`; 1 becomes 2 while that is so, and 2 becomes 1 again`);

export const SYSCTLS = {
  am_droprate: number(10, "of how many new connections `drop_packet` 3 drops one"),
  amemthresh: number(1024, "room, in pages of 4096 bytes, below which the defences of mode 1 begin; `drop_packet` then drops one of `amemthresh / (amemthresh - room)`"),
  backup_only: number(0, "while a backup daemon runs, what comes to the VIPs is the stack's, and only answers by NAT are met"),
  cache_bypass: number(0, "a new connection of a service by mark for which there is no server goes to where its packets are addressed"),
  conn_reuse_mode: number(1, "a client uses its port again: 0 the connection stays with its server; 1 a new one begins after TIME_WAIT and CLOSE; with bit 2 by DR and TUN in FIN_WAIT too"),
  conntrack: sysctl(0, "0: packets are forwarded before netfilter, and no connection ever has an entry in nf_conntrack", (value) => value === 0, "connections have entries in nf_conntrack"),
  drop_entry: defense("half-open and idle connections are ended, those of a random 1/32 of the table each second"),
  drop_packet: defense("some new connections are dropped"),
  expire_nodest_conn: number(0, "the connections of a server that is removed end at once, and a client of a server of weight 0 that uses its port again begins a new one"),
  expire_quiescent_template: number(0, "a client of a persistent service leaves a server of weight 0"),
  ignore_tunneled: number(0, "packets that came out of a tunnel on the director are not scheduled", "they never are"),
  lblc_expiration: seconds(86400, "for how long `lblc` remembers an address that is not used"),
  lblcr_expiration: seconds(86400, "for how long `lblcr` remembers an address that is not used, and keeps the servers of one that is"),
  nat_icmp_send: number(0, "a packet of a server by NAT that belongs to no connection is answered with ICMP port unreachable, unless it is for the director itself"),
  pmtu_disc: number(1, "a tunnel's packets forbid fragments where those inside do; with 0 none does, and of IPv4 those that do not fit are cut before, whatever they say; else their client is told"),
  run_estimation: number(1, "rates are estimated"),
  schedule_icmp: number(0, "an ICMP error about a packet of no connection begins one"),
  secure_tcp: defense("TCP connections follow the stricter table of states, in which a client's ACK alone establishes nothing"),
  sloppy_sctp: number(0, "any SCTP packet but ABORT begins a connection"),
  sloppy_tcp: number(0, "any TCP segment but a reset begins a connection"),
  snat_reroute: number(1, "answers are routed by their new source", "answers are routed by their destination alone"),
  sync_persist_mode: number(0, "only templates are sent to other directors"),
  sync_ports: sysctl(1, "a power of two", (value) => typeof value === "number" && value >= 1 && value <= INT_MAX && (value & (value - 1)) === 0, "UDP ports that a daemon uses, when it starts and no other runs: 64 at most"),
  sync_qlen_max: sysctl(undefined, `a whole number from 0 to ${2 ** 32 - 1}`, between(0, 2 ** 32 - 1), "messages that wait to be sent"),
  sync_refresh_period: seconds(0, "after how long a connection is sent again"),
  sync_retries: range(0, 0, 3, "how often that is repeated, after an eighth of the period"),
  sync_sock_size: number(0, "bytes that a daemon's socket may hold, when it starts; 0: the system's choice, 4 MiB of a backup's"),
  sync_threshold: sysctl([3, 50], "two whole numbers, the first below the second or the second 0", isThreshold, "packets after which a connection is sent, 8 at most, and of how many again: if not 0, when half of its timeout has passed"),
  sync_version: range(1, 0, 1, "version of the messages"),
} as const satisfies { readonly [name: string]: Sysctl };

export type SysctlName = keyof typeof SYSCTLS;
export type Sysctls = { readonly [name in SysctlName]: name extends "sync_threshold" ? readonly [number, number] : number };
export const SYSCTL_NAMES = Object.keys(SYSCTLS) as readonly SysctlName[];

const DEFENSES: readonly SysctlName[] = ["drop_entry", "drop_packet", "secure_tcp"];

/** Whether a value is what was asked for: of a defence 1 and 2 are one mode, and the director itself goes from one to the other. */
export function isSetTo(name: SysctlName, wanted: SysctlValue, value: SysctlValue): boolean {
  return String(wanted) === String(value) || (DEFENSES.includes(name) && isAutomatic(wanted) && isAutomatic(value));
}
const isAutomatic = (mode: SysctlValue): boolean => mode === 1 || mode === 2;

/** Names of net.ipv4.vs that weir does not have, and why. */
export const OTHER_SYSCTLS: { readonly [name: string]: string } = {
  debug_level: "only a kernel that was built for debugging has it",
  est_cpulist: "rates are estimated by a timer of the kernel, not by threads",
  est_nice: "rates are estimated by a timer of the kernel, not by threads",
};

const PREFIX = "net.ipv4.vs.";

/** A wrong name or a wrong value; the message says what was found and what would work. */
export class SysctlError extends Error {
  override readonly name = "SysctlError";
}

/** With or without the prefix, and with slashes for dots, as sysctl takes it. */
export function sysctlNamed(text: string): SysctlName {
  const dotted = text.replaceAll("/", ".");
  const name = dotted.startsWith(PREFIX) ? dotted.slice(PREFIX.length) : dotted;
  if (Object.hasOwn(SYSCTLS, name)) return name as SysctlName;
  const reason = Object.hasOwn(OTHER_SYSCTLS, name) ? OTHER_SYSCTLS[name] : undefined;
  if (reason !== undefined) throw new SysctlError(`Cannot use the sysctl "${text}": weir does not have it; ${reason}`);
  const meant = nearest(name, SYSCTL_NAMES);
  throw new SysctlError(`There is no sysctl "${text}"; ${meant === undefined ? "weir sysctl lists all" : `did you mean "${meant}"?`}`);
}

/** A value as it may stand in weir.yaml or on a command line: 3, "3", "0x3", "3 50", [3, 50]. Undefined when it is none of this sysctl's. */
export function sysctlValue(name: SysctlName, given: unknown): SysctlValue | undefined {
  const numbers = Array.isArray(given) ? given : String(given).trim().split(/\s+/).map(readNumber);
  if (!numbers.every((number) => Number.isInteger(number))) return undefined;
  const value = (numbers.length === 2 ? [numbers[0], numbers[1]] : numbers[0]) as SysctlValue;
  return numbers.length <= 2 && SYSCTLS[name].accepts(value) ? value : undefined;
}

/** As the kernel's strtoul_lenient() does: decimal, 0x… hexadecimal, 0… octal. */
function readNumber(text: string): number {
  const [, sign, digits = ""] = /^(-?)(0x[\da-f]+|\d+)$/i.exec(text) ?? [];
  const magnitude = /^0\d/.test(digits) ? (/^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN) : digits === "" ? NaN : Number(digits);
  return sign === "-" ? -magnitude : magnitude;
}

/** "net.ipv4.vs.sync_threshold = 3	50", as sysctl prints it. */
export function formatSysctl(name: SysctlName, value: SysctlValue): string {
  return `${PREFIX}${name} = ${typeof value === "number" ? value : value.join("\t")}`;
}

/** What a new director starts with; `pages`: of the machine's memory. */
export function defaultSysctls(pages: number): Sysctls {
  return Object.fromEntries(SYSCTL_NAMES.map((name) => [name, SYSCTLS[name].default ?? Math.floor(pages / 32)])) as Sysctls;
}

/** proc_do_sync_threshold() */
function isThreshold(value: SysctlValue): boolean {
  if (typeof value === "number") return false;
  const [threshold, period] = value;
  return threshold >= 0 && period >= 0 && threshold <= INT_MAX && period <= INT_MAX && (threshold < period || period === 0);
}
