// The bpffs of weir's own, and how to reach it. `ip netns exec` gives its command a mount namespace with another /sys, in
// which a new mount would end with the command; so the file system is mounted once outside, in the mount namespace that
// process 1 is in, and reached from inside through /proc/PID/root.
//
//   outside:            /run/weir/bpf ← mount -t bpf
//   ip netns exec …:    /run/weir/bpf            when it was mounted before
//                       /proc/1/root/run/weir/bpf otherwise

import { mkdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";
import { runCommand } from "./command.js";
import { KernelError, withFiles } from "./errors.js";
import { withLock } from "./lock.js";

/** Linux include/uapi/linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;
const PROCESS_ANCESTORS_MAX = 64;

/** The path of the bpffs under `root` ("/run/weir"), or undefined when nobody has made it yet. */
export function findBpffs(root: string): string | undefined {
  const inside = `${root}/bpf`;
  if (withFiles(`look for weir's state in ${inside}`, () => isBpffs(inside))) return inside;
  const outside = outermostMountNamespace();
  if (outside === undefined) return undefined;
  const path = `/proc/${outside}/root${inside}`;
  return withFiles(`look for weir's state in ${path}`, () => isBpffs(path)) ? path : undefined;
}

/** The same; made when it is not there. */
export function openBpffs(root: string): string {
  return findBpffs(root) ?? withLock(lockPath(root), () => findBpffs(root) ?? mountBpffs(root));
}

/** The lock under which the state of all namespaces is made and removed. */
export function lockPath(root: string): string {
  withFiles(`make the directory ${root}`, () => mkdirSync(root, { recursive: true, mode: 0o700 }));
  return `${root}/lock`;
}

function mountBpffs(root: string): string {
  const path = `${root}/bpf`;
  const outside = outermostMountNamespace();
  const attempted = `mount a BPF file system at ${path}`;
  const mount = ["-t", "bpf", "-o", "mode=0700", "weir", path];
  const directory = outside === undefined ? path : `/proc/${outside}/root${path}`;
  withFiles(attempted, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
  if (outside === undefined) runCommand("mount", mount, { attempted });
  else runCommand("nsenter", [`--mount=/proc/${outside}/ns/mnt`, "mount", ...mount], { attempted });
  const found = findBpffs(root);
  if (found !== undefined) return found;
  throw new KernelError({
    code: "FAILED", call: "mount", attempted, found: "it was mounted, and cannot be seen from here",
    remedy: `run "mkdir -p ${path} && mount -t bpf weir ${path}" outside of containers and network namespaces`,
  });
}

/**
 * A process in the mount namespace that outlives this one's: process 1, or, where that may not be looked into, the
 * ancestor of this process that is nearest to it. Undefined when this process is in that namespace itself.
 */
function outermostMountNamespace(): number | undefined {
  const own = mountNamespace("self");
  const lineage = [...ancestors()].map((pid) => ({ pid, namespace: mountNamespace(pid) })).filter(({ namespace }) => namespace !== undefined);
  const outermost = mountNamespace(1) ?? lineage.at(-1)?.namespace;
  if (outermost === undefined || outermost === own) return undefined;
  return lineage.find(({ namespace }) => namespace === outermost)?.pid ?? 1;
}

/** Parent, grandparent … */
function* ancestors(): Generator<number> {
  let pid = process.ppid;
  for (let count = 0; pid > 1 && count < PROCESS_ANCESTORS_MAX; count++) {
    yield pid;
    pid = parentOf(pid);
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0);
  } catch {
    return 0; // It ended meanwhile.
  }
}

/** "mnt:[4026531841]"; undefined when this process may not know. */
function mountNamespace(pid: number | "self"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

const NOT_THERE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"]);
