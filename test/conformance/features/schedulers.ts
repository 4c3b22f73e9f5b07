// All schedulers that the real IPVS has, with their flags. Without this, all services are rr.

import type { Feature } from "../feature.js";

const SCHEDULERS: readonly (readonly string[])[] = [
  ...["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"].map((name) => ["-s", name]),
  ["-s", "sh", "-b", "sh-port"], ["-s", "sh", "-b", "sh-fallback"], ["-s", "mh", "-b", "mh-port"], ["-s", "mh", "-b", "mh-port,mh-fallback"],
];

export const schedulers: Feature = {
  name: "schedulers",
  serviceWords: ({ random }) => random.pick(SCHEDULERS),
};
