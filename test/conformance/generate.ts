// Writes scripts: the same one for the same seed and features.

import { Random } from "../packets/random.js";
import type { Feature } from "./feature.js";
import { administration } from "./features/administration.js";
import { tcp } from "./features/tcp.js";
import { addServices } from "./features/administration.js";
import { Scene } from "./scene.js";
import type { Script, Step } from "./script.js";

export const FEATURES: readonly Feature[] = [administration, tcp];

/** Moves of a script, besides the services that it begins with and the looks that it ends with. */
const MOVES_MIN = 10;
const MOVES_MAX = 40;
/** In a hundred moves. */
const LOOKS = 8;

/** All of them when none is named. */
export function featuresByName(names: readonly string[]): readonly Feature[] {
  if (names.length === 0) return FEATURES;
  return names.map((name) => {
    const found = FEATURES.find((feature) => feature.name === name);
    if (found === undefined) throw new Error(`There is no feature ${name}; there are ${FEATURES.map((feature) => feature.name).join(", ")}`);
    return found;
  });
}

export function generate(seed: number, features: readonly Feature[]): Script {
  const random = new Random(seed);
  const scene = new Scene(random, features);
  const steps: Step[] = [...addServices(scene)];
  const moves = features.flatMap((feature) => feature.moves ?? []);
  for (let left = MOVES_MIN + random.below(MOVES_MAX - MOVES_MIN); left > 0; left--) {
    steps.push(...random.weighted(moves).make(scene));
    if (random.percent(LOOKS)) steps.push({ kind: "look", at: random.pick(["services", "connections"]) });
  }
  steps.push({ kind: "look", at: "services" }, { kind: "look", at: "connections" }, { kind: "look", at: "statistics" });
  return { seed, steps };
}
