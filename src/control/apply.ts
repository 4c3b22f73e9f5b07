// Makes the running director what a configuration says, by the smallest difference: what the file leaves as it is keeps
// its connections. weir.yaml → model/config → here → Director and DataPlane → the kernel.

import { isDeepStrictEqual } from "node:util";
import type { ConfiguredService, Configuration, InterfaceSelection, VipAddress } from "#model/config.js";
import { diffServices } from "#model/diff.js";
import type { Director, SyncDaemon, SyncDaemonRequest, Timeouts } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { formatMarkRule } from "#model/marks.js";
import { isSuchSyncDaemon } from "#model/sync-daemon.js";
import type { SysctlName, Sysctls } from "#model/sysctls.js";
import { isSetTo } from "#model/sysctls.js";
import { describeAttachment, describeChange, describeSyncDaemon, describeSyncStop, describeSysctl, describeTimeouts } from "./describe.js";
import type { DataPlane } from "./plane.js";
import type { RecordFile } from "./record.js";
import { bringSettings, takeBack } from "./settings/bring.js";
import type { Applied, Host, Wanted } from "./settings/setting.js";

/** All that `apply` and `down` work on. */
export interface DirectorParts {
  readonly director: Director;
  readonly dataPlane: DataPlane;
  readonly host: Host;
  /** What `apply` changed on this machine, for `down`. */
  readonly record: RecordFile<DirectorRecord>;
  /** One line for each change, in an operator's words. */
  readonly report: (line: string) => void;
}

export interface DirectorRecord {
  readonly applied: readonly Applied[];
}

/**
 * Services first, then the interfaces, the VIPs last: no packet meets a VIP without its service. When a step fails, the
 * steps before it are taken back and the error is thrown.
 */
export async function applyConfiguration(configuration: Configuration, interfaces: readonly InterfaceSelection[], parts: DirectorParts): Promise<void> {
  const undo: (() => void | Promise<void>)[] = [];
  try {
    undo.push(...applyTimeouts(configuration.timeouts, parts));
    undo.push(...applySysctls(configuration.sysctls, parts));
    undo.push(...applyMarkRules(configuration.markRules, parts));
    undo.push(stopSyncDaemons(configuration.syncDaemons, parts));
    undo.push(applyServices(configuration.services, parts));
    undo.push(await applyInterfaces(interfaces, configuration.addresses.map(({ address }) => address), parts));
    undo.push(startSyncDaemons(configuration.syncDaemons ?? [], parts));
    await applyAddresses(configuration.addresses, parts);
  } catch (error) {
    await takeStepsBack(undo, parts.report);
    throw error;
  }
}

/** Takes back what `apply` did: the VIPs it added, its programs on the interfaces, its state in the kernel. */
export async function takeDown({ dataPlane, host, record, report }: Omit<DirectorParts, "director">): Promise<void> {
  const applied = record.read()?.applied ?? [];
  await takeBack(applied, { host, applied, save: (left) => record.write({ applied: left }), report });
  for (const attachment of await dataPlane.detach()) report(describeAttachment({ ...attachment, change: "detached" }));
  record.remove();
}

/** All of them, whatever becomes of one: the error that matters is the one that led here. */
async function takeStepsBack(undo: readonly (() => void | Promise<void>)[], report: DirectorParts["report"]): Promise<void> {
  for (const step of undo.toReversed()) {
    try {
      await step();
    } catch (error) {
      report(`could not put everything back: ${(error as Error).message}`);
    }
  }
}

/** Gives what puts them back. */
function applyTimeouts(wanted: Timeouts, { director, report }: DirectorParts): (() => void)[] {
  const before = director.timeouts();
  const after: Timeouts = { tcp: wanted.tcp || before.tcp, tcpFin: wanted.tcpFin || before.tcpFin, udp: wanted.udp || before.udp };
  if (after.tcp === before.tcp && after.tcpFin === before.tcpFin && after.udp === before.udp) return [];
  director.setTimeouts(after);
  report(describeTimeouts(after));
  return [() => director.setTimeouts(before)];
}

/** The same. */
function applySysctls(wanted: Partial<Sysctls>, { director, report }: DirectorParts): (() => void)[] {
  const before = director.sysctls();
  const changed = (Object.keys(wanted) as SysctlName[]).filter((name) => !isSetTo(name, wanted[name]!, before[name]));
  if (changed.length === 0) return [];
  director.setSysctls(wanted);
  for (const name of changed) report(describeSysctl(name, wanted[name]!));
  return [() => director.setSysctls(Object.fromEntries(changed.map((name) => [name, before[name]])))];
}

/** The same; a file that names none leaves those that there are. */
function applyMarkRules(wanted: Configuration["markRules"], { director, report }: DirectorParts): (() => void)[] {
  const before = director.markRules();
  if (wanted === undefined || isDeepStrictEqual(before, wanted)) return [];
  director.setMarkRules(wanted);
  report(wanted.length === 0 ? "marks: no rules any more" : `marks: ${wanted.map(formatMarkRule).join("; ")}`);
  return [() => director.setMarkRules(before)];
}

/** Those that go, or are to be others: while they run, services are refused that messages cannot describe. Gives what starts them again. */
function stopSyncDaemons(wanted: Configuration["syncDaemons"], { director, report }: DirectorParts): () => void {
  if (wanted === undefined) return () => undefined;
  const stopped: SyncDaemon[] = [];
  const startAgain = (): void => {
    for (const daemon of stopped) director.startSyncDaemon?.(daemon);
  };
  try {
    for (const running of director.syncDaemons?.() ?? []) {
      if (wanted.some((one) => isSuchSyncDaemon(running, one))) continue;
      director.stopSyncDaemon?.(running.role);
      stopped.push(running);
      report(describeSyncStop(running.role));
    }
  } catch (error) {
    startAgain();
    throw error;
  }
  return startAgain;
}

/** Those that do not run, or no longer. Gives what stops them; a failure of its own leaves none. */
function startSyncDaemons(wanted: readonly SyncDaemonRequest[], { director, report }: DirectorParts): () => void {
  const started: SyncDaemonRequest[] = [];
  const stop = (): void => {
    for (const { role } of started) director.stopSyncDaemon?.(role);
  };
  const running = director.syncDaemons?.() ?? [];
  try {
    for (const daemon of wanted) {
      if (running.some(({ role }) => role === daemon.role)) continue;
      if (director.startSyncDaemon === undefined) throw new DirectorError("UNSUPPORTED", "Cannot start a sync daemon: this director does not synchronise connections");
      director.startSyncDaemon(daemon);
      started.push(daemon);
      report(describeSyncDaemon(daemon));
    }
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

/** The same; all of them are one change, which packets see at once or not at all. */
function applyServices(wanted: readonly ConfiguredService[], { director, report }: DirectorParts): () => void {
  const before = director.services();
  const changes = diffServices(before, wanted);
  director.apply(changes);
  for (const change of changes) report(describeChange(change));
  return () => {
    // The kernel lists the newest destination first: added in that order, they would stand the other way round.
    const services = before.map((service) => ({ ...service, destinations: service.destinations.toReversed() }));
    const back = diffServices(director.services(), services);
    director.apply(back);
    if (back.length > 0) report("services: put back as they were");
  };
}

/** Gives what puts them back; a failure of its own changes nothing. */
async function applyInterfaces(interfaces: readonly InterfaceSelection[], coming: readonly string[], { dataPlane, report }: DirectorParts): Promise<() => Promise<void>> {
  const before = dataPlane.status().attachments.map(({ interface: name, hook }) => ({ name, mode: hook }));
  for (const change of await dataPlane.attach(interfaces, coming)) {
    if (change.change !== "kept") report(describeAttachment(change));
  }
  return async () => {
    const changes = await dataPlane.attach(before);
    if (changes.some(({ change }) => change !== "kept")) report("interfaces: put back as they were");
  };
}

async function applyAddresses(addresses: readonly VipAddress[], { host, record, report }: DirectorParts): Promise<void> {
  const wanted = addresses.map((vip): Wanted => ({ setting: { kind: "address", ...vip }, value: "present" }));
  await bringSettings(wanted, { host, applied: record.read()?.applied ?? [], save: (applied) => record.write({ applied }), report });
}
