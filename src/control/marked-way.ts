// The way by which packets that netfilter gave a mark come to weir (dataplane/marked.ts): a device, a route into it, and routing
// rules that send the marks of services there. It stands while there is a service by mark, and is made and taken away with them.
//
//   table 30565           default via 169.254.119.101 dev weir-mark onlink
//   rules  0: from all iif weir-mark-in lookup local     ┐ what weir gave to the stack: as if weir were not there
//          0: from all iif weir-mark-in goto 1           ┘
//          0: from all fwmark 7 lookup 30565               before the local table: the VIP may be the director's own address
//          0: from all lookup local                        the kernel's own, put in anew behind the others
//          1: from all nop
//
// What prevents packets from coming this way, `weir status` says; nothing else fails for that.

import { existsSync } from "node:fs";
import { encode } from "#layout/codec.js";
import { KernelError } from "#kernel/errors.js";
import { BpfLink, attachTcx } from "#kernel/link.js";
import type { Family } from "#kernel/network.js";
import { driverOf, hasSysctl, interfaceByName, interfaces, readSysctl, writeSysctl } from "#kernel/network.js";
import type { StateDirectory } from "#kernel/pin.js";
import type { PolicyRule } from "#kernel/policy-rules.js";
import { policyRules, runIp } from "#kernel/policy-rules.js";
import { BpfProgram } from "#kernel/program.js";
import { attachTcFilter } from "#kernel/tc-filter.js";
import { LinkEnds } from "#dataplane/hop.js";
import { MARKED_MAC, MARKED_MAC_END } from "#dataplane/marked.js";
import type { MarkedWayStatus } from "./plane.js";
import type { ProgramName } from "./programs.js";
import type { RecordFile } from "./record.js";
import { openRecord } from "./record.js";

/** A service's firewall mark, for packets of one family. */
export interface ServiceMark {
  readonly family: Family;
  readonly mark: number;
}

/** Where packets go in, and where they come out to weir's program. */
const DEVICE = "weir-mark";
const DEVICE_IN = "weir-mark-in";
export const MARKED_WAY_DEVICES: readonly string[] = [DEVICE, DEVICE_IN];
/** Of both ends: the kernel takes its device's own address for the next hop's where there is no ARP, and so a frame is for the other end. */
const MAC = macText(encode(LinkEnds, { destination: MARKED_MAC, destinationEnd: MARKED_MAC_END }));
/** The most that a veth has: no packet is too long for its way to weir, which knows the MTU of the way on. */
const MTU = 65535;
/** "we", which nobody else has for a table of routes. */
const TABLE = 30565;
const FIRST = 0;
const AFTER = 1;
/** Neither is ever on a wire. The address keeps the kernel's check of sources, where it is on, to asking whether there is a route back. */
const ADDRESS = "169.254.119.105";
const GATEWAYS: { readonly [family in Family]: string } = { 4: "169.254.119.101", 6: "fe80::1" };

const PROGRAM: ProgramName = "weir_tc_marked";
export const MARKED_WAY_LINK = "marked";
const RECORD_FILE = "marked-way.json";

/** What stands, or was tried. */
interface Record {
  readonly marks: readonly ServiceMark[];
  /** Why it was not to be had. */
  readonly problem?: string;
}

/** Whether the services' marks have such a way already, so that there is nothing to bring. */
export function hasMarkedWay(state: StateDirectory, marks: readonly ServiceMark[]): boolean {
  const record = recordOf(state).read();
  return record === undefined ? marks.length === 0 : record.problem === undefined && sameMarks(record.marks, marks);
}

/** For these marks. Gives the index of the interface by which they come, or 0: also where the program for it is not in the kernel yet. */
export function bringMarkedWay(state: StateDirectory, tcx: boolean, marks: readonly ServiceMark[]): number {
  const record = recordOf(state);
  if (marks.length === 0) takeMarkedWay(state);
  if (marks.length === 0 || !existsSync(state.programPath(PROGRAM))) return 0;
  record.write({ marks });
  try {
    bringDevice(state, tcx);
    for (const family of FAMILIES) bringRules(family, marksOf(marks, family));
    return interfaceByName(DEVICE_IN).index;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    record.write({ marks, problem: error.message });
    return 0;
  }
}
const FAMILIES: readonly Family[] = [4, 6];

/** All of it; nothing where weir never made one. */
export function takeMarkedWay(state: StateDirectory): void {
  const record = recordOf(state);
  if (record.read() === undefined) return;
  for (const family of FAMILIES) takeRules(family);
  if (state.list().links.includes(MARKED_WAY_LINK)) state.unpin(state.linkPath(MARKED_WAY_LINK));
  if (isOurs(DEVICE)) runIp([`link delete ${DEVICE}`], "remove weir's device for marked packets");
  record.remove();
}

/** As it stands, for people; undefined where none is needed. `attached`: the interfaces that packets come in by. */
export function markedWayStatus(state: StateDirectory, attached: readonly string[]): MarkedWayStatus | undefined {
  const record = recordOf(state).read();
  if (record === undefined) return undefined;
  const { marks, problem } = record;
  const problems = problem === undefined ? FAMILIES.flatMap((family) => problemsOf(family, marksOf(marks, family), attached)) : [problem];
  return { device: DEVICE, marks, problems };
}

// --- The device ----------------------------------------------------------------------------------------------------

function bringDevice(state: StateDirectory, tcx: boolean): void {
  if (!exists(DEVICE)) makeDevice();
  else if (!isOurs(DEVICE)) throw new KernelError({ code: "EXISTS", call: "ip link add", attempted: `make the device "${DEVICE}"`, found: "there is another one of that name", remedy: "rename that one" });
  const device = interfaceByName(DEVICE_IN);
  if (!tcx) return attachTcFilter(state.programPath(PROGRAM), device, "ingress");
  if (isAttached(state, device.index)) return;
  state.unpin(state.linkPath(MARKED_WAY_LINK));
  const program = BpfProgram.open(state.programPath(PROGRAM), PROGRAM);
  const link = attachTcx(program, device, "ingress");
  link.pin(state.linkPath(MARKED_WAY_LINK));
  link.close();
  program.close();
}

function makeDevice(): void {
  runIp([
    `link add ${DEVICE} address ${MAC} mtu ${MTU} type veth peer name ${DEVICE_IN} address ${MAC} mtu ${MTU}`,
    ...MARKED_WAY_DEVICES.map((name) => `link set ${name} arp off multicast off`),
  ], "make a device for packets with marks");
  // include/uapi/linux/if_link.h, IN6_ADDR_GEN_MODE_NONE: no addresses and nothing to say about them.
  for (const name of MARKED_WAY_DEVICES) writeWhereThere(`net/ipv6/conf/${name}/addr_gen_mode`, "1");
  // Loose (RFC 3704) at most, whatever "all" says; a packet of the director's own that weir does not take is no martian; and it goes on.
  for (const [name, value] of [["rp_filter", "2"], ["accept_local", "1"], ["forwarding", "1"]] as const) writeSysctl(`net/ipv4/conf/${DEVICE_IN}/${name}`, value);
  runIp([...MARKED_WAY_DEVICES.map((name) => `link set ${name} up`), `address add ${ADDRESS}/32 dev ${DEVICE_IN} scope host`], "set up the device for packets with marks");
}

const exists = (name: string): boolean => interfaces().some((device) => device.name === name);

function isOurs(name: string): boolean {
  return interfaces().some((device) => device.name === name && device.mac === MAC) && driverOf(name) === "veth";
}

function isAttached(state: StateDirectory, ifindex: number): boolean {
  if (!state.list().links.includes(MARKED_WAY_LINK)) return false;
  const link = BpfLink.open(state.linkPath(MARKED_WAY_LINK));
  const attached = link.info().ifindex === ifindex;
  link.close();
  return attached;
}

function writeWhereThere(name: string, value: string): void {
  if (hasSysctl(name)) writeSysctl(name, value);
}

function macText(frame: Uint8Array): string {
  return Array.from(frame.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

// --- Rules and the route -------------------------------------------------------------------------------------------

/**
 * Marks that are there already stay as they are. For others the rules are put in anew, behind a second rule for the local
 * table: without one, the director would not know its own addresses.
 */
function bringRules(family: Family, marks: readonly number[]): void {
  if (marks.length === 0) return takeRules(family);
  if (family === 6) for (const name of MARKED_WAY_DEVICES) writeWhereThere(`net/ipv6/conf/${name}/disable_ipv6`, "0");
  runIp([`route replace default via ${GATEWAYS[family]} dev ${DEVICE} onlink table ${TABLE}`], `add a route to the device for packets with marks of IPv${family}`, family);
  const rules = policyRules(family);
  if (standsInOrder(rules, marks)) return runIp(removals(rules.filter(({ mark, table }) => table === `${TABLE}` && !marks.includes(mark!))), RULES_OF(family), family);
  refuseOthers(family, rules);
  const local = rules.some(isFirstLocal);
  runIp([
    ...removals(rules.filter(isRuleOfOurs)),
    ...(local ? [LOCAL(AFTER, "add"), LOCAL(FIRST, "delete"), `rule add pref ${FIRST} iif ${DEVICE_IN} lookup local`] : []),
    `rule add pref ${AFTER} nop`,
    `rule add pref ${FIRST} iif ${DEVICE_IN} goto ${AFTER}`,
    ...marks.map((mark) => `rule add pref ${FIRST} fwmark ${mark} lookup ${TABLE}`),
    ...(local ? [LOCAL(FIRST, "add"), LOCAL(AFTER, "delete")] : []),
  ], RULES_OF(family), family);
}

const RULES_OF = (family: Family): string => `set the routing rules of IPv${family} for packets with marks`;
/** "protocol kernel", as it was: a manager of networks leaves such rules alone (systemd-networkd(8)). */
const LOCAL = (preference: number, verb: "add" | "delete"): string => `rule ${verb} pref ${preference} lookup local${verb === "add" ? " protocol kernel" : ""}`;

function takeRules(family: Family): void {
  if (!hasSysctl(`net/ipv${family}/conf/all/forwarding`)) return; // a kernel without IPv6
  runIp(removals(policyRules(family).filter(isRuleOfOurs)), RULES_OF(family), family);
}

/** Those that send packets away go first, those that keep them from going round go last. */
function removals(rules: readonly PolicyRule[]): string[] {
  const last = (rule: PolicyRule) => Number(rule.nop) * 2 + Number(rule.interface !== undefined);
  return rules.toSorted((a, b) => last(a) - last(b)).map((rule) => `rule delete pref ${rule.preference} ${selectorOf(rule)}`);
}

function selectorOf({ interface: name, mark, table, goto }: PolicyRule): string {
  return [
    ...(name === undefined ? [] : [`iif ${name}`]), ...(mark === undefined ? [] : [`fwmark ${mark}`]),
    ...(table !== undefined ? [`lookup ${table}`] : goto !== undefined ? [`goto ${goto}`] : ["nop"]),
  ].join(" ");
}

const isRuleOfOurs = (rule: PolicyRule): boolean => rule.interface === DEVICE_IN || rule.table === `${TABLE}` || (rule.nop && rule.preference === AFTER);
const isFirstLocal = ({ preference, interface: name, mark, table, special }: PolicyRule): boolean =>
  preference === FIRST && table === "local" && name === undefined && mark === undefined && !special;

/** The rules that keep packets from going round, then every mark's, then the local table's where that is among the first. */
function standsInOrder(rules: readonly PolicyRule[], marks: readonly number[]): boolean {
  const first = rules.filter(({ preference }) => preference === FIRST);
  const at = (isIt: (rule: PolicyRule) => boolean) => first.findIndex(isIt);
  const [toLocal, past, local] = [
    at(({ interface: name, table }) => name === DEVICE_IN && table === "local"), at(({ interface: name, goto }) => name === DEVICE_IN && goto === AFTER), at(isFirstLocal),
  ];
  const places = marks.map((wanted) => at(({ mark, table }) => mark === wanted && table === `${TABLE}`));
  const isKept = past >= 0 && (local < 0 || (toLocal >= 0 && toLocal < past)) && rules.some(({ nop, preference }) => nop && preference === AFTER);
  return isKept && places.every((place) => place > past && (local < 0 || place < local));
}

/** The kernel's rule comes back behind all others of its preference. */
function refuseOthers(family: Family, rules: readonly PolicyRule[]): void {
  const others = rules.filter((rule) => rule.preference === FIRST && !isRuleOfOurs(rule) && !isFirstLocal(rule));
  if (others.length === 0 || !rules.some(isFirstLocal)) return;
  throw new KernelError({
    code: "EXISTS", call: "ip rule add", attempted: RULES_OF(family), found: `there are other rules at preference ${FIRST} (${others.map(selectorOf).join("; ")}), whose order would change`,
    remedy: "give them another preference, then run weir up or ipvsadm again",
  });
}

// --- What prevents -------------------------------------------------------------------------------------------------

function problemsOf(family: Family, marks: readonly number[], attached: readonly string[]): string[] {
  if (marks.length === 0) return [];
  if (!isOurs(DEVICE)) return [`the device "${DEVICE}" is gone; run weir up again`];
  const problems = standsInOrder(policyRules(family), marks) ? [] : [`the routing rules of IPv${family} are not as weir made them (ip -${family} rule), perhaps by another manager's doing; run weir up again`];
  return [...problems, ...(family === 4 ? attached.flatMap(problemsOfIpv4) : problemsOfIpv6())];
}

function problemsOfIpv4(name: string): string[] {
  const conf = (setting: string): number => Math.max(...["all", name].map((one) => Number(readSysctl(`net/ipv4/conf/${one}/${setting}`))));
  const problems = [];
  // net/ipv4/route.c, ip_route_input_slow(): "if (!IN_DEV_FORWARD(in_dev))"; "all" does not count.
  if (readSysctl(`net/ipv4/conf/${name}/forwarding`) === "0") {
    problems.push(`the kernel drops what comes by ${name} and is to go to ${DEVICE}, as it forwards nothing from there; sysctl -w net.ipv4.ip_forward=1`);
  }
  // net/ipv4/fib_frontend.c, __fib_validate_source(): the way back is asked for with the packet's mark, and is weir-mark.
  if (conf("src_valid_mark") === 1 && conf("rp_filter") === 1) {
    problems.push(`the kernel looks for the way back to a client of ${name} by the packet's mark, and drops the packet; sysctl -w net.ipv4.conf.${name}.rp_filter=2`);
  }
  return problems;
}

function problemsOfIpv6(): string[] {
  // net/ipv6/ip6_output.c, ip6_forward(): "devconf_all->forwarding".
  return readSysctl("net/ipv6/conf/all/forwarding") === "0" ? [`the kernel drops what is to go to ${DEVICE} by IPv6, as it forwards nothing; sysctl -w net.ipv6.conf.all.forwarding=1`] : [];
}

// --- The record ----------------------------------------------------------------------------------------------------

const recordOf = (state: StateDirectory): RecordFile<Record> => openRecord(state.filePath(RECORD_FILE));

const marksOf = (marks: readonly ServiceMark[], family: Family): number[] => marks.filter((one) => one.family === family).map(({ mark }) => mark);

function sameMarks(some: readonly ServiceMark[], others: readonly ServiceMark[]): boolean {
  const text = (marks: readonly ServiceMark[]) => marks.map(({ family, mark }) => `${family} ${mark}`).sort().join();
  return text(some) === text(others);
}
