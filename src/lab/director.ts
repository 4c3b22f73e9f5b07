// The weir under examination, as the laboratory uses it: by its commands, in the director's namespace, as an
// administrator would.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "#kernel/lock.js";
import { staleStates, stateLockPath } from "#kernel/pin.js";
import { LabError } from "./errors.js";
import { onSuddenEnd } from "./namespaces.js";
import type { Topology } from "./topology.js";

/** What the laboratory needs of a director; tests put another in its place. */
export interface LabDirector {
  /** Configures the director's namespace by a weir.yaml; says what it did, line by line. */
  up(topology: Topology, configuration: string): Promise<readonly string[]>;
  /** Lets a real server take the outer header off packets that come in at `device`. */
  decapsulate(topology: Topology, namespace: string, device: string): Promise<void>;
  /** What `ipvsadm -Ln --stats` says. */
  statistics(topology: Topology): Promise<string>;
  /** Takes back what up() and decapsulate() did. */
  down(topology: Topology): Promise<void>;
}

/** What undoes each preparation of a namespace. Pinned programs and maps outlive namespaces, so it must be done. */
const DIRECTOR_DOWN = ["down"];
const REAL_SERVER_DOWN = ["realserver", "down"];

export class CommandDirector implements LabDirector {
  /** Namespaces to be taken down: how, and what calls off doing so at a sudden end. */
  readonly #standing = new Map<string, { readonly args: readonly string[]; readonly callOff: () => void }>();

  async up(topology: Topology, configuration: string): Promise<readonly string[]> {
    removeStaleStates();
    const { director } = topology.namespaces;
    this.#willTakeDown(director, DIRECTOR_DOWN);
    const folder = await mkdtemp(join(tmpdir(), "weir-lab-"));
    try {
      const file = join(folder, "weir.yaml");
      await writeFile(file, configuration);
      return (await command(topology, director, "weir", ["apply", file])).split("\n").filter((line) => line !== "");
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  async decapsulate(topology: Topology, namespace: string): Promise<void> {
    this.#willTakeDown(namespace, REAL_SERVER_DOWN);
    await command(topology, namespace, "weir", ["realserver", "up", "--method", "tun", "--vip", topology.vip]);
  }

  statistics(topology: Topology): Promise<string> {
    return command(topology, topology.namespaces.director, "ipvsadm", ["-Ln", "--stats"]);
  }

  async down(topology: Topology): Promise<void> {
    for (const [namespace, { args, callOff }] of this.#standing) {
      await command(topology, namespace, "weir", args);
      callOff();
      this.#standing.delete(namespace);
    }
  }

  #willTakeDown(namespace: string, args: readonly string[]): void {
    const callOff = onSuddenEnd(() => spawnSync("ip", ["netns", "exec", namespace, ...commandLine("weir", args)]));
    this.#standing.set(namespace, { args, callOff });
  }
}

/** What laboratories left pinned that were killed: the states of namespaces that no longer exist. */
function removeStaleStates(): void {
  withLock(stateLockPath(), () => {
    for (const state of staleStates()) state.remove();
  });
}

async function command(topology: Topology, namespace: string, name: "weir" | "ipvsadm", args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await topology.run(namespace, commandLine(name, args));
  if (status === 0) return stdout;
  throw new LabError("COMMAND_FAILED", `Cannot run \`${name} ${args.join(" ")}\` in ${namespace}: exit status ${status}, ${stderr.trim() || stdout.trim()}`);
}

const commandLine = (name: "weir" | "ipvsadm", args: readonly string[]): readonly string[] =>
  [process.execPath, fileURLToPath(new URL(`../../bin/${name}`, import.meta.url)), ...args];
