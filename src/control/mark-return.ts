// The way back to weir for packets that netfilter marked in PREROUTING, which is behind weir (dataplane/marked.ts): a pair of devices, and rules that
// route such packets into it, before all others.
//
//   98:  from all iif weir-marks goto 100                 what came back, and what weir has to say about it, goes on as if there were none of this
//   98:  from all iif weir-back goto 100
//   99:  from all fwmark 0x7 ipproto tcp lookup 7377      of each service by mark; the table's one route is dev weir-marks
//   100: from all lookup local                            the kernel's first rule, moved: nothing can stand before its place, 0

import { runCommand } from "#kernel/command.js";
import type { Device } from "#kernel/link.js";
import { hasSysctl, interfaces, readSysctl, rules, writeSysctl } from "#kernel/network.js";
import type { Rule } from "#kernel/network.js";
import type { Family, ServiceId } from "#model/director.js";

/** Packets are routed into the one, and come in by the other. */
export const MARK_DEVICES = ["weir-marks", "weir-back"] as const;
const [INTO, BACK] = MARK_DEVICES;
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
export function markReturnTrouble({ marks }: MarkReturn): string | undefined {
  const switches = [...new Set(marks.map(({ family }) => family))].map((family) => (family === 4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding"));
  const off = switches.find((name) => readSysctl(name) === "0");
  return off === undefined ? undefined : `${off.replaceAll("/", ".")} is 0, so the kernel drops them on their way; sysctl -w ${off.replaceAll("/", ".")}=1`;
}

function bringDevices(attach: (device: Device) => void): void {
  if (!interfaces().some(({ name }) => name === INTO)) {
    const attempted = `make the devices ${INTO} and ${BACK}`;
    runCommand("ip", ["link", "add", INTO, "type", "veth", "peer", "name", BACK], { attempted });
    const { mac } = interfaces().find(({ name }) => name === INTO)!;
    // Without ARP a device's packets are for its own address, which is then the other's too.
    ipBatch(MARK_DEVICES.map((name) => `link set dev ${name} address ${mac} arp off mtu 65535 addrgenmode none`), attempted);
    for (const name of MARK_DEVICES) {
      // What weir says to a client comes in here from the VIP; what is not its to forward comes from anywhere.
      writeSysctl(`net/ipv4/conf/${name}/accept_local`, "1");
      writeSysctl(`net/ipv4/conf/${name}/rp_filter`, "0");
    }
    ipBatch(MARK_DEVICES.map((name) => `link set dev ${name} up`), attempted);
  }
  attach(interfaces().find(({ name }) => name === BACK)!);
}

function bringRules(family: Family, marks: readonly number[], moved: Set<Family>): void {
  const present = rules(family);
  const attempted = `route packets with marks ${marks.join(", ")} back to weir`;
  const first = present.find(({ table }) => table === "local")?.priority ?? LOCAL_AT;
  const local = first < LOCAL_AT ? LOCAL_AT : first;
  if (first < LOCAL_AT) {
    if (!present.some(({ table, priority }) => table === "local" && priority === LOCAL_AT)) ip(family, ["rule", "add", "pref", `${LOCAL_AT}`, "lookup", "local"], attempted);
    moved.add(family);
  }
  ip(family, ["route", "replace", "default", "dev", INTO, "table", TABLE], attempted);
  for (const name of MARK_DEVICES) if (!present.some(({ iif }) => iif === name)) ip(family, ["rule", "add", "pref", `${DEVICES_AT}`, "iif", name, "goto", `${local}`], attempted);
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
  if (moved.has(family)) ip(family, ["rule", "add", "pref", "0", "lookup", "local"], attempted);
  for (const { mark, protocol } of present.filter(isOfMark)) ip(family, ["rule", "delete", ...ofMark(mark, protocol)], attempted);
  for (const { iif } of present) if (iif !== undefined && MARK_DEVICES.some((name) => name === iif)) ip(family, ["rule", "delete", "pref", `${DEVICES_AT}`, "iif", iif], attempted);
  if (moved.delete(family)) ip(family, ["rule", "delete", "pref", `${LOCAL_AT}`, "lookup", "local"], attempted);
}

const ofMark = (mark = 0, protocol = ""): readonly string[] => ["pref", `${MARKS_AT}`, "fwmark", `${mark}`, "ipproto", protocol, "lookup", TABLE];
const isOfMark = ({ table, priority }: Rule): boolean => table === TABLE && priority === MARKS_AT;
const hasFamily = (family: Family): boolean => family === 4 || hasSysctl("net/ipv6/conf/all/forwarding");

function ip(family: Family, args: readonly string[], attempted: string): void {
  runCommand("ip", [`-${family}`, ...args], { attempted });
}

function ipBatch(commands: readonly string[], attempted: string): void {
  runCommand("ip", ["-batch", "-"], { attempted, input: `${commands.join("\n")}\n` });
}
