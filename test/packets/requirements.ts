// What the tests in the kernel need; where it is lacking they are skipped and say so.

import { spawnSync } from "node:child_process";
import { MapType } from "#ebpf/spec.js";
import { BpfMap } from "#kernel/map.js";

/** False, or why programs cannot be run in the kernel here. */
export const kernelLacks: string | false = bpfLacks() ?? namespacesLack() ?? false;

function bpfLacks(): string | undefined {
  try {
    BpfMap.create({ kind: "map", name: "probe", type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 }).close();
    return undefined;
  } catch (error) {
    return `bpf(2) is not allowed here: ${(error as Error).message}`;
  }
}

function namespacesLack(): string | undefined {
  const name = `weir-packets-probe-${process.pid}`;
  const { status, error, stderr } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (status !== 0) return `network namespaces cannot be made here: ${error?.message ?? stderr.trim()}`;
  spawnSync("ip", ["netns", "delete", name]);
  return undefined;
}
