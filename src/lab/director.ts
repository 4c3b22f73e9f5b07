// The weir under examination, as the laboratory uses it: by its commands, in the director's namespace, as an
// administrator would.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LabError } from "./errors.js";
import type { Topology } from "./topology.js";

/** What the laboratory needs of a director; tests put another in its place. */
export interface LabDirector {
  /** Configures the director's namespace by a weir.yaml; says what it did, line by line. */
  up(topology: Topology, configuration: string): Promise<readonly string[]>;
  down(topology: Topology): Promise<void>;
  /** Lets a real server take the outer header off packets that come in at `device`. */
  decapsulate(topology: Topology, namespace: string, device: string): Promise<void>;
  /** What `ipvsadm -Ln --stats` says. */
  statistics(topology: Topology): Promise<string>;
}

export const commandDirector: LabDirector = {
  async up(topology, configuration) {
    const folder = await mkdtemp(join(tmpdir(), "weir-lab-"));
    try {
      const file = join(folder, "weir.yaml");
      await writeFile(file, configuration);
      return linesOf(await command(topology, topology.namespaces.director, "weir", ["up", file]));
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  async down(topology) {
    await command(topology, topology.namespaces.director, "weir", ["down"]);
  },
  async decapsulate(topology, namespace) {
    await command(topology, namespace, "weir", ["realserver", "up", "--method", "tun", "--vip", topology.vip]);
  },
  async statistics(topology) {
    return command(topology, topology.namespaces.director, "ipvsadm", ["-Ln", "--stats"]);
  },
};

async function command(topology: Topology, namespace: string, name: "weir" | "ipvsadm", args: readonly string[]): Promise<string> {
  const program = fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
  const { status, stdout, stderr } = await topology.run(namespace, [process.execPath, program, ...args]);
  if (status === 0) return stdout;
  throw new LabError("COMMAND_FAILED", `Cannot run \`${name} ${args.join(" ")}\` in ${namespace}: exit status ${status}, ${stderr.trim() || stdout.trim()}`);
}

const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
