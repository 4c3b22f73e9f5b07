// A network namespace and a state directory for one test, which are gone however the test ends: when it closes them,
// when the process ends, by a signal too, and after kill -9 with the next test that makes one.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";

export interface TestNamespace {
  readonly name: string;
  /** As inNetworkNamespace() wants it. */
  readonly path: string;
  /** For WEIR_STATE. */
  readonly stateRoot: string;
  readonly remove: () => void;
}

const NAMESPACES = "/run/netns";
const mine = new Set<string>();
let count = 0;

export function addNamespace(): TestNamespace {
  if (count === 0) guard();
  const name = `weir-packets-${process.pid}-${++count}`;
  mine.add(name);
  const { status, stderr } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot add the network namespace ${name}: ip said "${stderr.trim()}"`);
  return { name, path: `${NAMESPACES}/${name}`, stateRoot: stateRootOf(name), remove: () => remove(name) };
}

function guard(): void {
  leftovers().forEach(remove);
  process.on("exit", () => mine.forEach(remove));
  for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) process.once(signal, () => process.exit(status));
}

/** Of processes that live no more. */
function leftovers(): readonly string[] {
  return [...entriesOf(NAMESPACES), ...entriesOf("/run")].filter((name) => {
    const pid = /^weir-packets-(\d+)-\d+$/.exec(name)?.[1];
    return pid !== undefined && Number(pid) !== process.pid && !existsSync(`/proc/${pid}`);
  });
}

function remove(name: string): void {
  mine.delete(name);
  if (existsSync(`${NAMESPACES}/${name}`)) spawnSync("ip", ["netns", "delete", name]);
  if (existsSync(`${stateRootOf(name)}/bpf`)) spawnSync("umount", [`${stateRootOf(name)}/bpf`]);
  rmSync(stateRootOf(name), { recursive: true, force: true });
}

const stateRootOf = (name: string): string => `/run/${name}`;
const entriesOf = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);
