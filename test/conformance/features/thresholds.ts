// Destinations that take so many connections and no more.

import type { Feature } from "../feature.js";

export const thresholds: Feature = {
  name: "thresholds",
  destinationWords({ random }) {
    if (random.percent(50)) return [];
    const upper = random.below(6);
    return ["-x", `${upper}`, ...(random.percent(50) ? ["-y", `${random.below(upper + 1)}`] : [])];
  },
};
