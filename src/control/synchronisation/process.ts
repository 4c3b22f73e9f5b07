// What a sync daemon's process runs (daemons.ts starts it): the master looks at the table and sends, the backup receives and enters. It
// says in its record when it is ready, and ends when that is gone, or another's: with the director, or when it is told to stop.

import { loadProgram } from "#kernel/program.js";
import { KernelStore } from "../kernel-store.js";
import { programSpec } from "../programs.js";
import { openRecord } from "../record.js";
import { Rows } from "../rows.js";
import * as maps from "#dataplane/maps.js";
import type { Sysctls } from "#model/sysctls.js";
import { Backup } from "./backup.js";
import type { DaemonRecord } from "./daemons.js";
import { recordPath, startTimeOf } from "./daemons.js";
import { Master, threadOf } from "./master.js";
import { SyncMessageWriter } from "./message.js";
import { openReceiver, openSender } from "./sockets.js";

type Daemon = Omit<DaemonRecord, "pid" | "startTime">;

/** Between two looks of the master; more where one takes long, so that they take no more than a twentieth of a processor. */
const LOOK_MILLISECONDS = 250;
const LOOK_SHARE = 1 / 20;
/** Between two looks at the record, and of the backup at connections that wait for a destination. */
const CARE_MILLISECONDS = 1000;

const daemon = JSON.parse(process.argv[2]!) as Daemon;
process.title = `weir: ${daemon.role} sync daemon`;
const store = KernelStore.find();
if (store === undefined) process.exit(1);
const record = openRecord<DaemonRecord>(recordPath(store, daemon.role));
const identity = { ...daemon, pid: process.pid, startTime: startTimeOf(process.pid)! };
process.on("SIGTERM", () => process.exit(0));
process.on("SIGINT", () => process.exit(0));

try {
  const care = daemon.role === "master" ? await runMaster(store) : await runBackup(store);
  record.write(identity);
  setInterval(() => {
    if (!isWanted()) process.exit(0);
    care();
  }, CARE_MILLISECONDS);
} catch (error) {
  record.write({ ...identity, trouble: (error as Error).message });
  process.exit(1);
}

/** By the plain file: who started this process may have lent it the way to where the maps are pinned (kernel/state-mount.ts), and so all of them are open by now. */
function isWanted(): boolean {
  try {
    return record.read()?.pid === process.pid;
  } catch {
    return false;
  }
}

async function runMaster(kernel: KernelStore): Promise<() => void> {
  const sysctlRows = new Rows(kernel, maps.sysctls);
  const sysctls = (): Sysctls => sysctlRows.read(0) as Sysctls;
  const sender = await openSender(daemon, sysctls());
  const master = new Master(kernel);
  const look = (): void => {
    const began = performance.now();
    const values = sysctls();
    const writers = Array.from({ length: daemon.ports }, () => new SyncMessageWriter(values.sync_version === 0 ? 0 : 1, daemon.syncId, daemon.lengthMax));
    master.look(values, (connection, place) => {
      const thread = threadOf(place, daemon.ports);
      const full = writers[thread]!.add(connection);
      if (full !== undefined) sender.send(full, thread, values.sync_qlen_max);
    });
    for (const [thread, writer] of writers.entries()) {
      const rest = writer.finish();
      if (rest !== undefined) sender.send(rest, thread, values.sync_qlen_max);
    }
    setTimeout(look, Math.max(LOOK_MILLISECONDS, (performance.now() - began) / LOOK_SHARE));
  };
  look();
  return () => undefined;
}

async function runBackup(kernel: KernelStore): Promise<() => void> {
  const programs = new Map<4 | 6, ReturnType<typeof loadProgram>>();
  for (const family of [4, 6] as const) programs.set(family, loadProgram(await programSpec(family === 6 ? "weir_sync6" : "weir_sync", kernel.shape), kernel.allMaps()));
  // A packet of nothing: what there is to enter stands in a map.
  const data = new Uint8Array(64);
  const backup = new Backup(kernel, daemon.syncId, (family) => void programs.get(family)!.testRun({ data }));
  await openReceiver(daemon, (new Rows(kernel, maps.sysctls).read(0) as Sysctls).sync_sock_size, (message) => backup.take(message));
  return () => backup.bind();
}
