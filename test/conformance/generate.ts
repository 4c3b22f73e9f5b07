// Writes scripts: the same one for the same seed, kind and features.

import { Random } from "../packets/random.js";
import type { Feature } from "./feature.js";
import { addServices, administration } from "./features/administration.js";
import { sctp } from "./features/sctp.js";
import { tcp } from "./features/tcp.js";
import { udp } from "./features/udp.js";
import type { Kind } from "./kind.js";
import { Scene } from "./scene.js";
import type { Script, Step } from "./script.js";

/** Of a hundred scripts, those that a feature takes part in: what one hides, another script shows. */
const TAKES_PART = 60;

/** Without one of them there is nothing to send. */
const FLOWS: readonly Feature[] = [tcp, udp, sctp];

/** Moves of a script, besides the services that it begins with and the looks that it ends with. */
const MOVES_MIN = 15;
const MOVES_MAX = 50;
/** In a hundred moves. */
const LOOKS = 5;

export function generate(seed: number, kind: Kind, features: readonly Feature[] = kind.features): Script {
  const random = new Random(seed);
  const taking = chooseFeatures(random, kind, features);
  const scene = new Scene(random, kind, taking);
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

function chooseFeatures(random: Random, { always = [] }: Kind, features: readonly Feature[]): readonly Feature[] {
  const chosen = features.filter((feature) => feature === administration || always.includes(feature) || random.percent(TAKES_PART));
  return chosen.some((feature) => FLOWS.includes(feature)) ? chosen : [...chosen, features.includes(udp) ? udp : tcp];
}
