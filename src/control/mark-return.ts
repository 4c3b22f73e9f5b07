// The way back to weir for packets that netfilter marked in PREROUTING, which is behind weir (dataplane/marked.ts): a pair of devices, and rules that
// route such packets into it, before all others.
//
//   98:  from all iif weir-marks goto 100                 what came back, and what weir has to say about it, goes on as if there were none of this
//   98:  from all iif weir-back goto 100
//   99:  from all fwmark 0x7 ipproto tcp lookup 7377      of each service by mark; the table's one route is dev weir-marks
//   100: from all lookup local                            the kernel's first rule, moved: nothing can stand before its place, 0

import { encode } from "#layout/codec.js";
import { runCommand } from "#kernel/command.js";
import { KernelError } from "#kernel/errors.js";
import type { Device } from "#kernel/link.js";
import { driverOf, hasSysctl, interfaces, readSysctl, rules, writeSysctl } from "#kernel/network.js";
import type { Rule } from "#kernel/network.js";
import { LinkEnds } from "#dataplane/hop.js";
import { MARKED_MAC, MARKED_MAC_END } from "#dataplane/marked.js";
import type { Family, ServiceId } from "#model/director.js";

/** Packets are routed into the one, and come in by the other. */
export const MARK_DEVICES = ["weir-marks", "weir-back"] as const;
const [INTO, BACK] = MARK_DEVICES;
/** Of both. */
const MAC = Array.from(encode(LinkEnds, { destination: MARKED_MAC, destinationEnd: MARKED_MAC_END }).subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join(":");
/** RFC 3927, and never on a wire: no packet has it. */
const ADDRESS = "169.254.119.105";
const TABLE = "7377";
const LOCAL_AT = 100;
const MARKS_AT = 99;
const DEVICES_AT = 98;
/** LVS schedules nothing else; neighbour discovery, marked along with the rest, must not take a turn. */
const PROTOCOLS = ["tcp", "udp", "sctp"] as const;
const FAMILIES: readonly Family[] = [4, 6];

/** A service's mark, of packets of that family. */
export interface Mark {
  readonly family: Family;
  readonly mark: number;
}

export interface MarkReturn {
  readonly marks: readonly Mark[];
  /** Families whose first rule was moved, and is to go back. */
  readonly moved: readonly Family[];
}
export const NO_MARKS: MarkReturn = { marks: [], moved: [] };

export function marksOf(services: Iterable<{ readonly id: ServiceId }>): readonly Mark[] {
  return [...services].flatMap(({ id }) => (id.kind === "fwmark" ? [{ family: id.family, mark: id.fwmark }] : []));
}

/** Makes the way for these marks, and no others. `attach` puts the program on a new device. What stands already stays untouched. */
export function bringMarkReturn(marks: readonly Mark[], before: MarkReturn, attach: (device: Device) => void): MarkReturn {
  if (marks.length === 0) return dropMarkReturn(before);
  bringDevices(attach);
  const moved = new Set(before.moved);
  for (const family of FAMILIES.filter(hasFamily)) {
    const wanted = marks.filter((one) => one.family === family).map(({ mark }) => mark);
    if (wanted.length === 0) dropRules(family, moved);
    else bringRules(family, wanted, moved);
  }
  return { marks, moved: [...moved] };
}

export function dropMarkReturn({ moved }: MarkReturn): MarkReturn {
  const left = new Set(moved);
  for (const family of FAMILIES.filter(hasFamily)) dropRules(family, left);
  if (interfaces().some(({ name }) => name === INTO)) runCommand("ip", ["link", "delete", "dev", INTO], { attempted: `remove the device ${INTO}` });
  return NO_MARKS;
}

/** Why marked packets may still not come back, and what would help; undefined where nothing is known to stand in the way. */
export function markReturnTrouble({ marks }: MarkReturn, attached: readonly string[]): string | undefined {
  const families = [...new Set(marks.map(({ family }) => family))];
  const off = families.flatMap((family) => switchesOf(family, attached)).find((name) => readSysctl(name) === "0");
  if (off !== undefined) return `${off.replaceAll("/", ".")} is 0, so the kernel drops them on their way; sysctl -w ${off.replaceAll("/", ".")}=1`;
  const changed = families.find((family) => !stands(rules(family), marks.filter((one) => one.family === family)));
  return changed === undefined ? undefined : `the rules of routing (ip -${changed} rule) are not as weir made them, perhaps by another manager's doing; run weir apply again`;
}

/** net/ipv4/route.c, ip_route_input_slow() asks the interface alone; net/ipv6/ip6_output.c, ip6_forward() asks "all". */
function switchesOf(family: Family, attached: readonly string[]): string[] {
  return family === 6 ? ["net/ipv6/conf/all/forwarding"] : ["net/ipv4/ip_forward", ...attached.map((name) => `net/ipv4/conf/${name}/forwarding`)];
}

/** Both devices' packets past the marks, every mark into the table, the local table behind them. */
function stands(present: readonly Rule[], marks: readonly Mark[]): boolean {
  const past = MARK_DEVICES.every((name) => present.some(({ iif, priority }) => iif === name && priority === DEVICES_AT));
  const into = marks.every(({ mark }) => PROTOCOLS.every((protocol) => present.some((rule) => isOfMark(rule) && rule.mark === mark && rule.protocol === protocol)));
  return past && into && present.every(({ table, priority }) => table !== "local" || priority >= LOCAL_AT);
}

function bringDevices(attach: (device: Device) => void): void {
  if (!interfaces().some(({ name }) => name === INTO)) {
    const attempted = `make the devices ${INTO} and ${BACK}`;
    runCommand("ip", ["link", "add", INTO, "type", "veth", "peer", "name", BACK], { attempted });
    // Without ARP a device's packets are for its own address, which is then the other's too.
    ipBatch(MARK_DEVICES.map((name) => `link set dev ${name} address ${MAC} arp off mtu 65535 addrgenmode none`), attempted);
    // What is not weir's to forward comes from anywhere: of the largest of "all" and the device's the kernel takes 2, which asks for some route to
    // the sender, of a device with an address only (net/ipv4/fib_frontend.c, __fib_validate_source()). And it may go on from there.
    for (const [name, value] of [["accept_local", "1"], ["rp_filter", "2"], ["forwarding", "1"]] as const) writeSysctl(`net/ipv4/conf/${BACK}/${name}`, value);
    ipBatch([...MARK_DEVICES.map((name) => `link set dev ${name} up`), `address add ${ADDRESS}/32 dev ${BACK} scope host`], attempted);
  }
  const { mac } = interfaces().find(({ name }) => name === INTO)!;
  if (mac !== MAC || driverOf(INTO) !== "veth") {
    throw new KernelError({ code: "EXISTS", call: "ip link add", attempted: `make the device "${INTO}", for packets that netfilter marks`, found: "there is another one of that name", remedy: "rename that one" });
  }
  attach(interfaces().find(({ name }) => name === BACK)!);
}

function bringRules(family: Family, marks: readonly number[], moved: Set<Family>): void {
  const present = rules(family);
  const attempted = `route packets with marks ${marks.join(", ")} back to weir`;
  const first = present.find(({ table }) => table === "local")?.priority ?? LOCAL_AT;
  const localAt = first < LOCAL_AT ? LOCAL_AT : first;
  if (first < LOCAL_AT) {
    if (!present.some(({ table, priority }) => table === "local" && priority === LOCAL_AT)) ip(family, ["rule", "add", ...local(LOCAL_AT)], attempted);
    moved.add(family);
  }
  ip(family, ["route", "replace", "default", "dev", INTO, "table", TABLE], attempted);
  for (const name of MARK_DEVICES) if (!present.some(({ iif }) => iif === name)) ip(family, ["rule", "add", "pref", `${DEVICES_AT}`, "iif", name, "goto", `${localAt}`], attempted);
  const known = present.filter(isOfMark);
  for (const mark of marks) {
    for (const protocol of PROTOCOLS) if (!known.some((rule) => rule.mark === mark && rule.protocol === protocol)) ip(family, ["rule", "add", ...ofMark(mark, protocol)], attempted);
  }
  for (const { mark, protocol } of known) if (!marks.includes(mark!)) ip(family, ["rule", "delete", ...ofMark(mark, protocol)], attempted);
  // Last: until here the rules before were all there.
  if (first < LOCAL_AT) ip(family, ["rule", "delete", "pref", `${first}`, "lookup", "local"], attempted);
}

function dropRules(family: Family, moved: Set<Family>): void {
  const attempted = "take back the rules of marks";
  const present = rules(family);
  if (moved.has(family)) ip(family, ["rule", "add", ...local(0)], attempted);
  for (const { mark, protocol } of present.filter(isOfMark)) ip(family, ["rule", "delete", ...ofMark(mark, protocol)], attempted);
  for (const { iif } of present) if (iif !== undefined && MARK_DEVICES.some((name) => name === iif)) ip(family, ["rule", "delete", "pref", `${DEVICES_AT}`, "iif", iif], attempted);
  if (moved.delete(family)) ip(family, ["rule", "delete", "pref", `${LOCAL_AT}`, "lookup", "local"], attempted);
}

/** As the kernel's own, which managers of networks leave alone (systemd-networkd removes those of others). */
const local = (preference: number): readonly string[] => ["pref", `${preference}`, "lookup", "local", "protocol", "kernel"];
const ofMark = (mark = 0, protocol = ""): readonly string[] => ["pref", `${MARKS_AT}`, "fwmark", `${mark}`, "ipproto", protocol, "lookup", TABLE];
const isOfMark = ({ table, priority }: Rule): boolean => table === TABLE && priority === MARKS_AT;
const hasFamily = (family: Family): boolean => family === 4 || hasSysctl("net/ipv6/conf/all/forwarding");

function ip(family: Family, args: readonly string[], attempted: string): void {
  runCommand("ip", [`-${family}`, ...args], { attempted });
}

function ipBatch(commands: readonly string[], attempted: string): void {
  runCommand("ip", ["-batch", "-"], { attempted, input: `${commands.join("\n")}\n` });
}
