// The data plane in the kernel: weir's programs on interfaces, by links that are pinned and so outlive every process.
// TC is on every interface; XDP, where it is chosen, stands before it and hands on what it does not do (dataplane/entry).

import { existsSync } from "node:fs";
import { decode, encode } from "#layout/codec.js";
import { programHash } from "#ebpf/program.js";
import type { MapSpec, ProgramSpec } from "#ebpf/spec.js";
import { KernelError } from "#kernel/errors.js";
import type { Device } from "#kernel/link.js";
import { BpfLink, attachTcx, attachXdp } from "#kernel/link.js";
import { attachTcFilter, detachTcFilter } from "#kernel/tc-filter.js";
import type { Interface } from "#kernel/network.js";
import { driverOf, interfaceByName, interfaces, interfacesWithPeerElsewhere, hasSysctl, readSysctl, writeSysctl } from "#kernel/network.js";
import { BpfProgram, loadProgram } from "#kernel/program.js";
import { xdpTransmitters } from "#kernel/xdp-features.js";
import { SLICES_PER_ROUND } from "#dataplane/expiry.js";
import { buckets4, buckets6, Device as DeviceStruct, DeviceKey, devices, Expiry, expiry4, expiry6, HOP_BY_PEER, HOP_BY_XDP, HOP_WITHOUT_TX, settings, SLOTS_PER_BUCKET } from "#dataplane/maps.js";
import type { InterfaceSelection } from "#model/config.js";
import { countConnections } from "./connections.js";
import { StoreDirector } from "./director.js";
import type { HookChoice } from "./hook.js";
import { VIRTUAL_DRIVERS, chooseHook } from "./hook.js";
import type { KernelStore } from "./kernel-store.js";
import type { Mark, MarkReturn } from "./mark-return.js";
import { MARK_DEVICES, NO_MARKS, bringMarkReturn, dropMarkReturn, markReturnTrouble, marksOf } from "./mark-return.js";
import type { Attachment, AttachmentChange, DataPlane, DataPlaneStatus, MarkStatus } from "./plane.js";
import type { ProgramName } from "./programs.js";
import { PROGRAM_PLACES, programNames, programSpecs } from "./programs.js";
import type { RecordFile } from "./record.js";
import { openRecord } from "./record.js";
import { Rows } from "./rows.js";
import { SyncDaemons } from "./synchronisation/daemons.js";
import type { ServiceUse, Use } from "./uses.js";
import { someNeedEgress, usesOf } from "./uses.js";
import { verdictCounts } from "./verdicts.js";

interface AttachedInterface extends Attachment {
  readonly ifindex: number;
}

/** What is attached, beside the pins: why, and what to put back. */
interface Record {
  readonly programs: { readonly [name: string]: string };
  /** What the programs in the kernel are made for. */
  readonly uses: readonly Use[];
  readonly attachments: readonly AttachedInterface[];
  /** All interfaces were asked for, not some by name. */
  readonly everywhere: boolean;
  /** Switches of the kernel that were changed, and what they were. */
  readonly sysctls: { readonly [name: string]: string };
  readonly markReturn: MarkReturn;
  /** weir_out is at the egress of the same interfaces. */
  readonly meetsOwn: boolean;
}
const NOTHING: Record = { programs: {}, uses: [], attachments: [], everywhere: false, sysctls: {}, markReturn: NO_MARKS, meetsOwn: false };

type Programs = ReadonlyMap<ProgramName, BpfProgram>;
interface Wanted extends HookChoice {
  readonly device: Interface;
  readonly mayFallBack: boolean;
}
const RECORD_FILE = "plane.json";
/** The links of weir_tc_back and weir_tc_own. */
const BACK_PIN = "back";
const OWN_PIN = "own";
/** Before an interface's number: the links of weir_out. */
const OUT_PINS = "out-";
/** The loopback takes packets from the director's own addresses that come again (dataplane/own.ts). */
const LOOPBACK_OWN = ["net/ipv4/conf/lo/accept_local"];
/** Answers from the VIP come by it too, to which the routes may lead elsewhere: where all interfaces are strict (1) it is loose (2), the higher value counts. */
const LOOPBACK_REVERSE_PATH = "net/ipv4/conf/lo/rp_filter";
const STRICT = ["net/ipv4/conf/all/rp_filter", LOOPBACK_REVERSE_PATH];

/** bpf_fib_lookup() asks "from" the loopback (dataplane/hop.ts), which must be allowed to forward; no packet comes that way. */
const LOOPBACK_FORWARDING = ["net/ipv4/conf/lo/forwarding", "net/ipv6/conf/lo/forwarding"];

/**
 * Of a table of more than 3.2 million connections it takes longer, 2.6 s for 2^24: a slice keeps its processor from all
 * else, and 2^14 buckets are 0.2 ms, a tenth of what packets may on end (net.core.netdev_budget_usecs).
 */
const SLICE_BUCKETS_MAX = 2 ** 14;

/** Buckets that the expiry walks every 20 ms. */
export function expirySlice(connections: number): number {
  return Math.min(Math.ceil(connections / SLOTS_PER_BUCKET / SLICES_PER_ROUND), SLICE_BUCKETS_MAX);
}

export class KernelPlane implements DataPlane {
  constructor(readonly store: KernelStore) {}

  async attach(selections: readonly InterfaceSelection[], coming: readonly string[] = []): Promise<readonly AttachmentChange[]> {
    return this.#attach(selections, false, coming);
  }

  /** For who names no interfaces, as ipvsadm: all of them, those that came since the last time too. What `weir apply` chose stays. */
  async attachEverywhere(): Promise<void> {
    const { attachments, everywhere } = this.#record();
    const wanted = usableInterfaces();
    const isAttached = ({ name }: InterfaceSelection) => attachments.some((attachment) => attachment.ifindex === interfaceByName(name).index);
    if (everywhere ? !wanted.every(isAttached) : attachments.length === 0) await this.#attach(wanted, true, []);
  }

  /** Before such a service is added: its packets find their programs from the beginning. */
  async prepare(services: readonly ServiceUse[]): Promise<void> {
    const { uses, attachments } = this.#record();
    const needed = this.#usesOf(services);
    const marks = marksOf(services);
    if ([...needed].every((use) => uses.includes(use))) return this.#bringLoaded(services, marks);
    const all = new Set([...uses, ...needed]);
    const specs = await programSpecs(this.store.shape, programNames(all, attachments.some(({ hook }) => hook !== "tc")));
    this.store.exclusively(() => {
      this.#bringPrograms(specs, new Set([...all, ...this.#record().uses]));
      this.#bringOwn();
      this.#bringOut(services);
      this.#bringMarks(marks);
    });
  }

  /** After services or servers went: takes back what was made for them and nobody needs any more. `coming`: those that may come for them, unannounced. */
  settle(coming: readonly ServiceUse[] = []): void {
    const { markReturn, meetsOwn } = this.#record();
    if (meetsOwn) this.store.exclusively(() => this.#bringOut(coming));
    if (markReturn.marks.length > 0) this.#bringMarks([]);
  }

  /** What services need whose programs are in the kernel already. */
  #bringLoaded(services: readonly ServiceUse[], marks: readonly Mark[]): void {
    if (!this.#record().meetsOwn && this.#usesOf(services).has("egress")) this.store.exclusively(() => this.#bringOut(services));
    if (marks.length > 0) this.#bringMarks(marks);
  }

  #usesOf(services: Iterable<ServiceUse>): ReadonlySet<Use> {
    return usesOf(services, this.store.localNow());
  }

  /** The director's addresses, with those that it is about to get. */
  #localSoon(coming: readonly string[]): (address: string) => boolean {
    const [soon, isLocalNow] = [new Set(coming), this.store.localNow()];
    return (address) => soon.has(address) || isLocalNow(address);
  }

  async #attach(selections: readonly InterfaceSelection[], everywhere: boolean, coming: readonly string[]): Promise<readonly AttachmentChange[]> {
    const wanted = selections.map(({ name, mode }): Wanted => ({ device: interfaceByName(name), ...chooseHook(name, mode), mayFallBack: mode === "auto" }));
    const isLocal = this.#localSoon(coming);
    const uses = new Set([...this.#record().uses, ...usesOf(new StoreDirector(this.store).serviceUses(), isLocal)]);
    const specs = await programSpecs(this.store.shape, programNames(uses, wanted.some(({ hook }) => hook !== "tc")));
    return this.store.exclusively(() => {
      const programs = this.#bringPrograms(specs, uses);
      const record = this.#record();
      const brought = this.#bringInterfaces(wanted, programs, record);
      // Behind them: to some drivers XDP may redirect once they have a program themselves.
      this.#describeDevices();
      const sysctls = { ...switchOn(LOOPBACK_FORWARDING), ...record.sysctls };
      const gone = record.attachments.filter(({ ifindex }) => !brought.some((one) => one.ifindex === ifindex));
      const attachments = brought.map(({ interface: name, ifindex, hook, reason }) => ({ interface: name, ifindex, hook, reason }));
      this.#write({ ...this.#record(), everywhere, sysctls, attachments });
      this.#bringOwn();
      this.#bringOut([], isLocal);
      this.#bringMarks([]);
      return [...brought, ...gone.map((attachment) => this.#dropInterface(attachment))];
    });
  }

  async detach(): Promise<readonly Attachment[]> {
    return this.store.exclusively(() => {
      const { attachments, sysctls, markReturn } = this.#record();
      new SyncDaemons(this.store).stopAll();
      for (const [name, before] of Object.entries(sysctls)) if (readSysctl(name) === valueOf(name)) writeSysctl(name, before);
      for (const attachment of attachments) this.#dropInterface(attachment);
      if (markReturn.marks.length > 0) dropMarkReturn(markReturn);
      if (!this.store.shape.tcx) detachTcFilter(interfaceByName("lo"), "ingress");
      this.store.state.remove();
      return attachments;
    });
  }

  status(): DataPlaneStatus {
    const { attachments: all, meetsOwn } = this.#record();
    const attachments = all.filter(({ ifindex }) => exists(ifindex));
    return {
      attachments, egress: meetsOwn ? attachments.map((attachment) => attachment.interface) : [],
      connectionTables: [
        { family: "IPv4", entriesUsed: countConnections(this.store, buckets4), entriesMax: this.store.shape.connections },
        { family: "IPv6", entriesUsed: countConnections(this.store, buckets6), entriesMax: this.store.shape.connectionsIpv6 },
      ],
      marks: this.#markStatus(attachments.map((attachment) => attachment.interface)), verdicts: verdictCounts(this.store), stateDirectory: this.store.state.path,
    };
  }

  /** The programs of this version in the kernel, in the place of those of another; all are accepted before one is used. */
  #bringPrograms(specs: ReadonlyMap<ProgramName, ProgramSpec>, uses: ReadonlySet<Use>): Programs {
    const { state } = this.store;
    const record = this.#record();
    const hashes = Object.fromEntries(Array.from(specs, ([name, spec]) => [name, programHash(spec)]));
    const isPresent = (name: ProgramName) => record.programs[name] === hashes[name] && existsSync(state.programPath(name));
    const fresh = new Set([...specs.keys()].filter((name) => !isPresent(name)));
    const programs = new Map(Array.from(specs, ([name, spec]) => [name, fresh.has(name) ? loadProgram(spec, this.store.allMaps()) : BpfProgram.open(state.programPath(name), name)]));

    for (const { name, place, array } of PROGRAM_PLACES) if (fresh.has(name)) this.store.map(array.name).putObject(place, programs.get(name)!);
    if (fresh.has("weir_start")) this.#startExpiry(programs.get("weir_start")!, expiry4, this.store.shape.connections);
    if (fresh.has("weir_start6")) this.#startExpiry(programs.get("weir_start6")!, expiry6, this.store.shape.connectionsIpv6);
    for (const pin of state.list().links) {
      const name = programAt(pin);
      if (!fresh.has(name)) continue;
      const link = BpfLink.open(state.linkPath(pin));
      if (link.info().ifindex !== 0) link.update(programs.get(name)!);
      link.close();
    }
    for (const name of fresh) {
      state.unpin(state.programPath(name));
      programs.get(name)!.pin(state.programPath(name));
    }
    if (!this.store.shape.tcx && fresh.has("weir_tc")) for (const attachment of record.attachments) this.#attachFilter(attachment);
    this.#write({ ...record, programs: { ...record.programs, ...hashes }, uses: [...uses] });
    return programs;
  }

  /** The way back for the marks of all services and of those that are about to come. */
  #bringMarks(coming: readonly Mark[]): void {
    const marks = distinct([...marksOf(new StoreDirector(this.store).serviceIds()), ...coming]);
    const { markReturn } = this.#record();
    if (marks.length === 0 && markReturn.marks.length === 0) return;
    this.store.exclusively(() => {
      const brought = bringMarkReturn(marks, markReturn, (device) => this.#attachBeside("weir_tc_back", BACK_PIN, device));
      if (marks.length === 0) this.store.state.unpin(this.store.state.linkPath(BACK_PIN));
      this.#write({ ...this.#record(), markReturn: brought });
      new Rows(this.store, settings).write(0, { markedIfindex: marks.length === 0 ? 0 : interfaceByName(MARK_DEVICES[1]).index });
    });
  }

  /** What clients on the director itself need. */
  #bringOwn(): void {
    const { uses, sysctls } = this.#record();
    if (!uses.includes("own")) return;
    this.#attachBeside("weir_tc_own", OWN_PIN, interfaceByName("lo"));
    const names = STRICT.some((name) => readSysctl(name) === "1") ? [...LOOPBACK_OWN, LOOPBACK_REVERSE_PATH] : LOOPBACK_OWN;
    this.#write({ ...this.#record(), sysctls: { ...switchOn(names), ...sysctls } });
  }

  /**
   * The program that meets packets of the director's own as they leave (dataplane/out.ts), at the egress of each interface while services, or those that are
   * about to come, need it. Else it is nowhere, and no packet pays for it.
   */
  #bringOut(coming: readonly ServiceUse[], isLocal = this.store.localNow()): void {
    const { attachments, meetsOwn } = this.#record();
    const isWanted = someNeedEgress(coming, isLocal) || someNeedEgress(new StoreDirector(this.store).serviceUses(), isLocal);
    if (!isWanted && !meetsOwn) return;
    for (const { interface: name, ifindex } of attachments.filter((attachment) => exists(attachment.ifindex))) {
      if (isWanted) this.#attachOut({ name, index: ifindex });
      else this.#detachOut({ name, index: ifindex });
    }
    this.#write({ ...this.#record(), meetsOwn: isWanted });
  }

  #attachOut(device: Device): void {
    const { state, shape } = this.store;
    if (!shape.tcx) return attachTcFilter(state.programPath("weir_out"), device, "egress");
    const pin = `${OUT_PINS}${device.index}`;
    if (state.list().links.includes(pin)) return;
    const program = BpfProgram.open(state.programPath("weir_out"), "weir_out");
    pinLink(attachTcx(program, device, "egress"), state.linkPath(pin));
    program.close();
  }

  #detachOut(device: Device): void {
    const { state, shape } = this.store;
    if (!shape.tcx) detachTcFilter(device, "egress");
    else if (state.list().links.includes(`${OUT_PINS}${device.index}`)) this.#unlink(`${OUT_PINS}${device.index}`);
  }

  /** To a device that is not of those that weir forwards by, unless it stands there. */
  #attachBeside(name: "weir_tc_back" | "weir_tc_own", pin: string, device: Device): void {
    const { state, shape } = this.store;
    if (!shape.tcx) return attachTcFilter(state.programPath(name), device, "ingress");
    if (state.list().links.includes(pin)) {
      const link = BpfLink.open(state.linkPath(pin));
      const { ifindex } = link.info();
      link.close();
      if (ifindex === device.index) return;
      state.unpin(state.linkPath(pin));
    }
    const program = BpfProgram.open(state.programPath(name), name);
    pinLink(attachTcx(program, device, "ingress"), state.linkPath(pin));
    program.close();
  }

  #markStatus(attached: readonly string[]): MarkStatus | undefined {
    const { markReturn } = this.#record();
    if (markReturn.marks.length === 0) return undefined;
    return { device: MARK_DEVICES[0], marks: markReturn.marks.map(({ mark }) => mark), trouble: markReturnTrouble(markReturn, attached) };
  }

  #startExpiry(start: BpfProgram, { name }: MapSpec, connections: number): void {
    const key = new Uint8Array(4);
    const expiry = this.store.map(name);
    expiry.update(key, encode(Expiry, { ...decode(Expiry, expiry.lookup(key)!), slice: expirySlice(connections) }));
    const { returnValue } = start.testRun({ data: new Uint8Array(64) });
    if (returnValue !== 0) {
      throw new KernelError({ code: "FAILED", call: "bpf_timer_start", attempted: "start the timer that ends idle connections", found: `it gave ${returnValue}`, remedy: "Linux 5.17 or later is needed" });
    }
  }

  /** For dataplane/hop.ts: what is particular about sending by an interface. */
  #describeDevices(): void {
    const map = this.store.hash(devices);
    const elsewhere = interfacesWithPeerElsewhere();
    const transmitters = xdpTransmitters();
    for (const { index, name } of interfaces()) {
      const driver = driverOf(name);
      const hopFlags = (takesXdp(index, driver, transmitters) ? HOP_BY_XDP : 0) | (driver !== "veth" ? 0 : HOP_WITHOUT_TX | (elsewhere.has(name) ? HOP_BY_PEER : 0));
      map.update(encode(DeviceKey, { ifindex: index }), encode(DeviceStruct, { hopFlags }));
    }
  }

  /** All of them, or none that were not attached before. */
  #bringInterfaces(wanted: readonly Wanted[], programs: Programs, record: Record): (AttachmentChange & { readonly ifindex: number })[] {
    const brought: (AttachmentChange & { readonly ifindex: number })[] = [];
    try {
      for (const one of wanted) brought.push({ ...this.#bringInterface(one, programs, record), ifindex: one.device.index });
      return brought;
    } catch (error) {
      for (const one of brought) if (one.change === "attached") this.#dropInterface(one);
      throw error;
    }
  }

  #bringInterface({ device, hook, reason, mayFallBack }: Wanted, programs: Programs, record: Record): AttachmentChange {
    const before = record.attachments.find(({ ifindex }) => ifindex === device.index);
    const { state } = this.store;
    const links = state.list().links;
    const [tcPin, xdpPin] = [`tc-${device.index}`, `xdp-${device.index}`];
    if (!this.store.shape.tcx) this.#attachFilter({ interface: device.name, ifindex: device.index });
    else if (!links.includes(tcPin)) pinLink(attachTcx(programs.get("weir_tc")!, device, "ingress"), state.linkPath(tcPin));
    if (before?.hook === hook) return { interface: device.name, hook, reason, change: "kept" };
    if (links.includes(xdpPin)) this.#unlink(xdpPin);
    const change = before === undefined ? "attached" : "moved";
    if (hook === "tc") return { interface: device.name, hook, reason, change };
    try {
      pinLink(attachXdp(programs.get("weir_xdp")!, device, hook === "xdp" ? "native" : "generic"), state.linkPath(xdpPin));
      return { interface: device.name, hook, reason, change };
    } catch (error) {
      if (!mayFallBack || !(error instanceof KernelError)) {
        if (before === undefined) this.#dropInterface({ interface: device.name, ifindex: device.index, hook, reason });
        throw error;
      }
      return { interface: device.name, hook: "tc", reason: `XDP is not to be had there: ${error.found}`, change };
    }
  }

  #dropInterface(attachment: AttachedInterface): AttachmentChange {
    for (const pin of [`xdp-${attachment.ifindex}`, `tc-${attachment.ifindex}`, `${OUT_PINS}${attachment.ifindex}`]) {
      if (this.store.state.list().links.includes(pin)) this.#unlink(pin);
    }
    const device = { name: attachment.interface, index: attachment.ifindex };
    if (!this.store.shape.tcx && exists(attachment.ifindex)) for (const direction of ["ingress", "egress"] as const) detachTcFilter(device, direction);
    return { ...attachment, change: "detached" };
  }

  /** Where there is no TCX: a filter that refers to the pinned program, put in the place of an earlier one. */
  #attachFilter({ interface: name, ifindex }: Pick<AttachedInterface, "interface" | "ifindex">): void {
    if (exists(ifindex)) attachTcFilter(this.store.state.programPath("weir_tc"), { name, index: ifindex }, "ingress");
  }

  #unlink(pin: string): void {
    const link = BpfLink.open(this.store.state.linkPath(pin));
    link.detach();
    link.close();
    this.store.state.unpin(this.store.state.linkPath(pin));
  }

  #record(): Record {
    return { ...NOTHING, ...this.#recordFile().read() };
  }

  #write(record: Record): void {
    this.#recordFile().write(record);
  }

  #recordFile(): RecordFile<Record> {
    return openRecord(this.store.state.filePath(RECORD_FILE));
  }
}

/** What weir sets a switch of the kernel to. */
const valueOf = (name: string): string => (name === LOOPBACK_REVERSE_PATH ? "2" : "1");

/** Those that this kernel has; a namespace may do without IPv6. Gives what they were. */
function switchOn(names: readonly string[]): { readonly [name: string]: string } {
  return Object.fromEntries(names.filter(hasSysctl).map((name) => [name, writeSysctl(name, valueOf(name))]));
}

function distinct(marks: readonly Mark[]): readonly Mark[] {
  return marks.filter((one, i) => marks.findIndex(({ family, mark }) => family === one.family && mark === one.mark) === i);
}

/** By the name of its link's pin. */
function programAt(pin: string): ProgramName {
  if (pin === BACK_PIN) return "weir_tc_back";
  if (pin === OWN_PIN) return "weir_tc_own";
  return pin.startsWith(OUT_PINS) ? "weir_out" : pin.startsWith("tc-") ? "weir_tc" : "weir_xdp";
}

function pinLink(link: BpfLink, path: string): void {
  link.pin(path);
  link.close();
}

/** Before Linux 6.3 drivers do not say it; those of wires do take them, or are given a program by weir for it. */
function takesXdp(ifindex: number, driver: string | undefined, transmitters: ReadonlySet<number> | undefined): boolean {
  return transmitters === undefined ? driver !== undefined && !VIRTUAL_DRIVERS.has(driver) : transmitters.has(ifindex);
}

const exists = (ifindex: number): boolean => interfaces().some(({ index }) => index === ifindex);

/** Every interface of this namespace that is up and speaks Ethernet, but for the loopback and weir's own. */
export function usableInterfaces(): readonly InterfaceSelection[] {
  return interfaces().filter(({ name, up, loopback, ethernet }) => up && !loopback && ethernet && !MARK_DEVICES.some((own) => own === name)).map(({ name }) => ({ name, mode: "auto" as const }));
}
