// Services by UDP that schedule every packet anew.

import type { Feature } from "../feature.js";

export const onePacket: Feature = {
  name: "one-packet",
  notAtXdp: "a packet that XDP leaves to TC is scheduled a second time there (docs/lvs-compatibility.md)",
  serviceWords: ({ random }, { protocol }) => (protocol === "udp" && random.percent(50) ? ["-o"] : []),
};
