// The daemons that tell other directors of this one's connections, and take what they tell: one process each, of a network namespace.
// They are found by what stands in the state directory, process number and start time; Linux v6.12 net/netfilter/ipvs/ip_vs_sync.c,
// start_sync_thread(), stop_sync_thread().

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { SyncDaemon, SyncDaemonRequest } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { completeSyncDaemon } from "#model/sync-daemon.js";
import { interfaces } from "#kernel/network.js";
import { tolds } from "#dataplane/maps.js";
import { ControlError } from "../errors.js";
import type { KernelStore } from "../kernel-store.js";
import type { RecordFile } from "../record.js";
import { openRecord } from "../record.js";

type Role = SyncDaemon["role"];
const ROLES: readonly Role[] = ["master", "backup"];

/** What the process is told, and what it leaves when it is ready; or why it is not. */
export interface DaemonRecord extends SyncDaemon {
  readonly pid: number;
  /** In clock ticks since boot: /proc/PID/stat. */
  readonly startTime: string;
  /** UDP ports from `port` on. */
  readonly ports: number;
  readonly trouble?: string;
}

/** It may have to compile and verify its programs first. */
const START_MILLISECONDS_MAX = 60_000;
const STOP_MILLISECONDS_MAX = 5_000;
const POLL_MILLISECONDS = 10;
/** IPVS_SYNC_PORTS_MAX */
const PORTS_MAX = 1 << 6;
const PROGRAM = fileURLToPath(new URL("./process.js", import.meta.url));

export class SyncDaemons {
  constructor(readonly store: KernelStore) {}

  /** The master first. */
  running(): readonly DaemonRecord[] {
    return this.#records().filter(isAlive);
  }

  /** Those whose process ended without having been told to. */
  lost(): readonly DaemonRecord[] {
    return this.#records().filter((record) => !isAlive(record));
  }

  /** Whether one was started and not stopped, be its process there or not. */
  isKept(role: Role): boolean {
    return this.#records().some((record) => record.role === role);
  }

  start(wanted: SyncDaemonRequest, ports: number): void {
    const { role, interface: name } = wanted;
    const attempted = `Cannot start the ${role} daemon on "${name}"`;
    const device = interfaces().find((one) => one.name === name);
    if (device === undefined) throw new DirectorError("NO_DEVICE", `${attempted}: there is no such interface`);
    const running = this.running();
    if (running.some((one) => one.role === role)) throw new DirectorError("DAEMON_RUNNING", `${attempted}: it runs already`);
    const daemon = { ...completeSyncDaemon(wanted, device.mtu), ports: running[0]?.ports ?? Math.min(Math.max(ports, 1), PORTS_MAX) };
    this.#record(role).remove();
    // What this version brings is made here: the process waits for no lock that is held meanwhile.
    this.store.map(tolds.name);
    this.#await(spawnDaemon(daemon), role, attempted);
  }

  stop(role: Role): void {
    const record = this.running().find((one) => one.role === role);
    this.#record(role).remove();
    if (record === undefined) throw new DirectorError("NO_DAEMON", `Cannot stop the ${role} daemon: it does not run`);
    end(record);
  }

  stopAll(): readonly Role[] {
    const running = this.running();
    for (const record of running) {
      this.#record(record.role).remove();
      end(record);
    }
    return running.map(({ role }) => role);
  }

  #await(pid: number, role: Role, attempted: string): void {
    for (let waited = 0; waited < START_MILLISECONDS_MAX; waited += POLL_MILLISECONDS) {
      const record = this.#record(role).read();
      if (record?.pid === pid && record.trouble === undefined) return;
      if (record?.trouble !== undefined || startTimeOf(pid) === undefined) {
        this.#record(role).remove();
        throw new ControlError("SYNCHRONISATION", `${attempted}: ${record?.trouble ?? "its process ended at once"}`);
      }
      sleep(POLL_MILLISECONDS);
    }
    throw new ControlError("SYNCHRONISATION", `${attempted}: process ${pid} has not been ready for ${START_MILLISECONDS_MAX / 1000} seconds`);
  }

  #records(): readonly DaemonRecord[] {
    return ROLES.flatMap((role) => this.#record(role).read() ?? []).filter(({ trouble }) => trouble === undefined);
  }

  #record(role: Role): RecordFile<DaemonRecord> {
    return openRecord(recordPath(this.store, role));
  }
}

export const recordPath = ({ state }: KernelStore, role: Role): string => state.filePath(`sync-${role}.json`);

/** Undefined: there is no such process, or it has ended and nobody has asked how. */
export function startTimeOf(pid: number): string | undefined {
  try {
    // The command's name stands in brackets and may have any letters.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /s, "").split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

const isAlive = ({ pid, startTime }: DaemonRecord): boolean => startTimeOf(pid) === startTime;

function spawnDaemon(daemon: Omit<DaemonRecord, "pid" | "startTime">): number {
  // Loaded at the first call: it takes six milliseconds of a start.
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(daemon)], { detached: true, stdio: "ignore", cwd: "/" });
  child.unref();
  if (child.pid === undefined) throw new ControlError("SYNCHRONISATION", `Cannot start the ${daemon.role} daemon: ${process.execPath} cannot be run`);
  return child.pid;
}

function end(record: DaemonRecord): void {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isAlive(record)) return;
    process.kill(record.pid, signal);
    for (let waited = 0; waited < STOP_MILLISECONDS_MAX && isAlive(record); waited += POLL_MILLISECONDS) sleep(POLL_MILLISECONDS);
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
