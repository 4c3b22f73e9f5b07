// ipvsadm -Z, of all services or of one. IPVS sums statistics every two seconds, and takes the last sums away: so that these are all, it is waited for.

import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Step } from "../script.js";
import { command, serviceOf, withService } from "./administration.js";

/** Linux net/netfilter/ipvs/ip_vs_est.c: two seconds. */
const STATISTICS_MILLISECONDS = 2200;

export const zeroing: Feature = {
  name: "zeroing",
  moves: [{ weight: 8, make: zero }],
};

function zero(scene: Scene): readonly Step[] {
  return withService(scene, (service) => [
    { kind: "wait", milliseconds: STATISTICS_MILLISECONDS },
    scene.random.percent(50) ? command("-Z") : command("-Z", ...serviceOf(service)),
  ]);
}
