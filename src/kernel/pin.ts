// The state directory: what keeps maps, programs and links alive with no process of weir's running. One directory a
// network namespace, in a bpffs of weir's own (state-mount.ts); plain files stand beside it.
//
//   /run/weir/lock
//   /run/weir/netns-<cookie>/           plain files
//   /run/weir/bpf/netns-<cookie>/       namespace → "net:[4026531840]"
//     maps/  programs/  links/          pins

import { closeSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { withFiles } from "./errors.js";
import { linkInfo } from "./link-info.js";
import { networkNamespaceCookie, networkNamespaceName } from "./namespace.js";
import { findBpffs, lockPath, openBpffs } from "./state-mount.js";
import { BPF_OBJ_GET, bpfOrThrow, cString } from "./syscall.js";

const KINDS = ["links", "programs", "maps"] as const;
type Kind = (typeof KINDS)[number];

export interface StateOptions {
  /** Default: the environment's WEIR_STATE, else /run/weir. */
  readonly root?: string;
}

const PREFIX = "netns-";

export class StateDirectory {
  readonly cookie: string;

  constructor(readonly root: string, readonly path: string, readonly filesPath: string) {
    this.cookie = path.slice(path.lastIndexOf("-") + 1);
  }

  mapPath(name: string): string {
    return this.#pinPath("maps", name);
  }

  programPath(name: string): string {
    return this.#pinPath("programs", name);
  }

  linkPath(name: string): string {
    return this.#pinPath("links", name);
  }

  /** A plain file of this namespace's; its directory exists. */
  filePath(name: string): string {
    mkdirSync(this.filesPath, { recursive: true, mode: 0o700 });
    return join(this.filesPath, name);
  }

  /** For lock() and withLock(): one process at a time changes this namespace's state. */
  get lockPath(): string {
    return this.filePath("lock");
  }

  /** What is pinned, by the names that were given. */
  list(): { readonly [kind in Kind]: readonly string[] } {
    const names = (kind: Kind) => entriesOf(join(this.path, kind)).map(decodeName).sort();
    return { links: names("links"), programs: names("programs"), maps: names("maps") };
  }

  /** Lets one pin go; false when there was none. */
  unpin(path: string): boolean {
    const exists = entriesOf(dirname(path)).includes(basename(path));
    if (exists) withFiles(`remove the pin ${path}`, () => unlinkSync(path));
    return exists;
  }

  /**
   * Lets go of everything, links first: no packet then meets a program whose maps are being taken away. The kernel takes
   * an unpinned link's program off its interface a moment later; who must know calls its detach() before.
   */
  remove(): void {
    const paths = [...KINDS.map((kind) => join(this.path, kind)), this.path, this.filesPath];
    withFiles(`remove the state directory ${this.path}`, () => paths.forEach((path) => rmSync(path, { recursive: true, force: true })));
  }

  #pinPath(kind: Kind, name: string): string {
    return join(this.path, kind, encodeName(name));
  }
}

/** This network namespace's state, or undefined when there is none: nothing is made. */
export function findState(options: StateOptions = {}): StateDirectory | undefined {
  const root = rootOf(options);
  const bpffs = findBpffs(root);
  const name = stateName();
  if (bpffs === undefined) return undefined;
  return withFiles(`read ${bpffs}`, () => entriesOf(bpffs)).includes(name) ? stateAt(root, bpffs, name) : undefined;
}

/** This network namespace's state, made when it is not there. */
export function openState(options: StateOptions = {}): StateDirectory {
  const root = rootOf(options);
  const bpffs = openBpffs(root);
  const state = stateAt(root, bpffs, stateName());
  withFiles(`make the state directory ${state.path}`, () => makeDirectories(state));
  return state;
}

/** The states of network namespaces that no longer exist. Clear them away under stateLockPath(). */
export function staleStates(options: StateOptions = {}): StateDirectory[] {
  const root = rootOf(options);
  const bpffs = findBpffs(root);
  if (bpffs === undefined) return [];
  const others = entriesOf(bpffs).filter((name) => name.startsWith(PREFIX) && name !== stateName());
  return others.map((name) => stateAt(root, bpffs, name)).filter(isStale);
}

/** For clean-up under the lock of all namespaces' states. */
export function stateLockPath(options: StateOptions = {}): string {
  return lockPath(rootOf(options));
}

function rootOf(options: StateOptions): string {
  return options.root ?? process.env.WEIR_STATE ?? "/run/weir";
}

function makeDirectories(state: StateDirectory): void {
  for (const kind of KINDS) mkdirSync(join(state.path, kind), { recursive: true, mode: 0o700 });
  if (!entriesOf(state.path).includes("namespace")) linkOnce(networkNamespaceName(), join(state.path, "namespace"));
}

/** Another process may be doing the same. */
function linkOnce(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function stateName(): string {
  return PREFIX + networkNamespaceCookie();
}

function stateAt(root: string, bpffs: string, name: string): StateDirectory {
  return new StateDirectory(root, join(bpffs, name), join(root, name));
}

/** A link whose interface went with its namespace reports interface 0. Where there are none, ask who is in the namespace. */
function isStale(state: StateDirectory): boolean {
  const links = entriesOf(join(state.path, "links"));
  return links.length > 0 ? links.every((entry) => isOrphaned(join(state.path, "links", entry))) : !isNamespaceInUse(state);
}

function isOrphaned(path: string): boolean {
  const fd = bpfOrThrow(BPF_OBJ_GET, { path: cString(path) }, `open the link pinned at ${path}`);
  try {
    return linkInfo(fd, `the link pinned at ${path}`).ifindex === 0;
  } finally {
    closeSync(fd);
  }
}

/** By any process, or by a mount such as `ip netns add` makes. One held by a descriptor alone is not seen. */
function isNamespaceInUse(state: StateDirectory): boolean {
  const name = readLink(join(state.path, "namespace"));
  return name === undefined
    || readFileSync("/proc/self/mountinfo", "utf8").includes(` ${name} `)
    || readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && readLink(`/proc/${pid}/ns/net`) === name);
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // The process ended, or may not be looked into.
  }
}

/** The names in a directory; none when it does not exist. */
function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

// Linux kernel/bpf/inode.c, bpf_lookup() refuses dots in names; interfaces have them ("eth0.100").
const encodeName = (name: string): string => name.replace(/[%./]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
const decodeName = (name: string): string => name.replace(/%([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
