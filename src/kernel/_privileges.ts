// For the tests of this folder: what they lack when they are skipped.

import { spawnSync } from "node:child_process";
import { runCommand } from "./command.js";
import { BpfMap } from "./map.js";
import { MapType } from "#ebpf/spec.js";

/** False when bpf(2) may be used, else why not, as node:test's `skip` wants it. */
export const bpfLacks: string | false = (() => {
  try {
    BpfMap.create({ kind: "map", name: "probe", type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 }).close();
    return false;
  } catch (error) {
    return `bpf(2) is not allowed here: ${(error as Error).message}`;
  }
})();

/** False when network namespaces may be made, else why not. */
export const namespacesLack: string | false = (() => {
  if (bpfLacks !== false) return bpfLacks;
  const { status, error, stderr } = spawnSync("ip", ["netns", "add", `weir-probe-${process.pid}`], { encoding: "utf8" });
  if (status !== 0) return `network namespaces cannot be made here: ${error?.message ?? stderr.trim()}`;
  spawnSync("ip", ["netns", "delete", `weir-probe-${process.pid}`]);
  return false;
})();

/** A network namespace with a pair of veth devices, "left" and "right", all up; gone after `use`. */
export function withNamespace(name: string, use: (path: string) => void): void {
  const full = `weir-${name}-${process.pid}`;
  const ip = (...args: string[]) => runCommand("ip", args, { attempted: "set up a network namespace for a test" });
  ip("netns", "add", full);
  try {
    ip("-n", full, "link", "add", "left", "type", "veth", "peer", "name", "right");
    for (const device of ["lo", "left", "right"]) ip("-n", full, "link", "set", device, "up");
    use(`/run/netns/${full}`);
  } finally {
    ip("netns", "delete", full);
  }
}
