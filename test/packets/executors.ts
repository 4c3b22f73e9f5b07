// Both executors, for tests that run on each.

import { after } from "node:test";
import type { ProgramName } from "#control/programs.js";
import { kernelWorld } from "./kernel-world.js";
import { machineWorld } from "./machine-world.js";
import { kernelLacks } from "./requirements.js";
import type { World } from "./world.js";

export interface Executor {
  /** For the names of tests. */
  readonly name: "the machine" | "the kernel";
  /** False, or why it cannot run here. */
  readonly lacks: string | false;
  /** A world with room for so many connections, which is gone when the file's tests have run. `programs`: without those that are not asked for. */
  readonly world: (connections: number, programs?: readonly ProgramName[]) => Promise<World>;
}

export const EXECUTORS: readonly Executor[] = [
  { name: "the machine", lacks: false, world: kept(machineWorld) },
  { name: "the kernel", lacks: kernelLacks, world: kept(kernelWorld) },
];

/** Made at most once for each size and choice of programs. */
function kept(make: Executor["world"]): Executor["world"] {
  const worlds = new Map<string, Promise<World>>();
  after(async () => {
    for (const world of worlds.values()) (await world).close();
  });
  return async (connections, programs) => {
    const name = `${connections} ${programs?.join(" ") ?? ""}`;
    const known = worlds.get(name) ?? make(connections, programs);
    worlds.set(name, known);
    const world = await known;
    world.reset();
    return world;
  };
}
