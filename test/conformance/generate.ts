// Writes scripts: the same one for the same seed and features.

import { Random } from "../packets/random.js";
import type { Feature } from "./feature.js";
import { addServices, administration } from "./features/administration.js";
import { icmpErrors } from "./features/icmp-errors.js";
import { oddPackets } from "./features/odd-packets.js";
import { onePacket } from "./features/one-packet.js";
import { persistence } from "./features/persistence.js";
import { schedulers } from "./features/schedulers.js";
import { sysctls } from "./features/sysctls.js";
import { tcp } from "./features/tcp.js";
import { thresholds } from "./features/thresholds.js";
import { timeouts } from "./features/timeouts.js";
import { udp } from "./features/udp.js";
import { Scene } from "./scene.js";
import type { Script, Step } from "./script.js";

export const FEATURES: readonly Feature[] = [administration, tcp, udp, schedulers, thresholds, persistence, onePacket, timeouts, icmpErrors, oddPackets, sysctls];
/** Of a hundred scripts, those that a feature takes part in: what one hides, another script shows. */
const TAKES_PART = 60;

/** Moves of a script, besides the services that it begins with and the looks that it ends with. */
const MOVES_MIN = 15;
const MOVES_MAX = 50;
/** In a hundred moves. */
const LOOKS = 5;

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
  const taking = chooseFeatures(random, features);
  const scene = new Scene(random, taking);
  const steps: Step[] = [...addServices(scene)];
  const moves = taking.flatMap((feature) => feature.moves ?? []);
  for (let left = MOVES_MIN + random.below(MOVES_MAX - MOVES_MIN); left > 0;) {
    const made = random.weighted(moves).make(scene);
    if (made.length === 0) continue;
    steps.push(...made);
    left--;
    if (random.percent(LOOKS)) steps.push({ kind: "look", at: random.pick(["services", "connections"]) });
  }
  steps.push({ kind: "look", at: "services" }, { kind: "look", at: "connections" }, { kind: "look", at: "statistics" });
  return { seed, features: taking.map(({ name }) => name), steps };
}

function chooseFeatures(random: Random, features: readonly Feature[]): readonly Feature[] {
  const chosen = features.filter(({ name }) => name === administration.name || random.percent(TAKES_PART));
  return chosen.some(({ name }) => name === tcp.name || name === udp.name) ? chosen : [...chosen, features.includes(udp) ? udp : tcp];
}
