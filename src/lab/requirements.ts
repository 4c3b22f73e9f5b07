// What the laboratory needs of the machine, and what to do where it is missing.

import { readFileSync } from "node:fs";
import { BpfMap } from "#kernel/map.js";
import { MapType } from "#ebpf/spec.js";
import { requireTools } from "./command.js";
import { LabError, messageOf } from "./errors.js";

/** Linux include/uapi/linux/capability.h: for interfaces and routes; for namespaces and mounts. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const;

/** Why networks cannot be built here; undefined when they can. Tests that need them say it when they are skipped. */
export function whyNoLaboratory(): string | undefined {
  return whyNot(() => {
    requirePrivileges();
    requireTools(["ip", "ethtool"]);
  });
}

/** Why a test that uses such a program cannot run; undefined when it can. */
export function whyNoTool(tool: Parameters<typeof requireTools>[0][number]): string | undefined {
  return whyNot(() => requireTools([tool]));
}

/** Why no eBPF program can be loaded here; undefined when it can. */
export function whyNoBpf(): string | undefined {
  return whyNot(() => {
    BpfMap.create({ kind: "map", name: "weir_probe", type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 }).close();
  });
}

/** Throws where network namespaces cannot be made. */
export function requirePrivileges(): void {
  if (process.getuid?.() !== 0) throw new LabError("NOT_ROOT", "The laboratory makes network namespaces, which only root may; run it with sudo");
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0"}`);
  const missing = Object.entries(CAPABILITIES).filter(([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n).map(([name]) => name);
  if (missing.length === 0) return;
  const found = `this root lacks ${missing.join(" and ")}`;
  throw new LabError("NOT_ROOT", `The laboratory makes network namespaces, for which ${found}; start the container with --privileged`);
}

function whyNot(use: () => void): string | undefined {
  try {
    use();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
