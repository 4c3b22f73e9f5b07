// Clients, or networks of them, that stay with their server; services on every port.

import type { Feature } from "../feature.js";

const SECONDS = [60, 100, 360, 3600] as const;
const NETMASKS = { 4: ["255.255.255.255", "255.255.255.0", "255.255.0.0"], 6: ["128", "120", "64"] } as const;

export const persistence: Feature = {
  name: "persistence",
  serviceWords({ random }, { virtual, addresses }) {
    // Without persistence there is no service on port 0.
    if (virtual.port !== 0 && random.percent(40)) return [];
    return ["-p", `${random.pick(SECONDS)}`, ...(random.percent(50) ? ["-M", random.pick(NETMASKS[addresses.family])] : [])];
  },
  ports: [0],
};
