// ICMP errors about packets that the director sent on: from the host that they were for, and from routers on the way.

import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Step } from "../script.js";

interface Kind {
  readonly type: number;
  readonly code: number;
  readonly rest?: number;
}

/** RFC 792: unreachable by net, host, protocol, port; source quench; time exceeded. A redirect is the stack's. */
const KINDS: readonly Kind[] = [
  { type: 3, code: 0 }, { type: 3, code: 1 }, { type: 3, code: 2 }, { type: 3, code: 3 }, { type: 4, code: 0 }, { type: 11, code: 0 }, { type: 11, code: 1 },
  { type: 5, code: 1, rest: 0x0a0000fe }, { type: 12, code: 0 },
];
const FRAGMENTATION_NEEDED: Kind = { type: 3, code: 4, rest: 1400 };
/** The least that RFC 792 asks for, the usual, the most that RFC 1812 allows. */
const QUOTED = [28, 28, 60, 128, 548] as const;

export const icmpErrors: Feature = {
  name: "icmp-errors",
  moves: [{ weight: 80, make: report }],
};

function report(scene: Scene): readonly Step[] {
  const { random, flows, methods, tunnelsRemoved } = scene;
  // docs/lvs-compatibility.md: errors that only pass the director, those out of a tunnel to a server that is gone, and the MTU that IPVS remembers of a tunnel's way.
  const abouts = methods.includes("-g") || tunnelsRemoved ? (["answer"] as const) : (["request", "answer"] as const);
  const kinds = methods.includes("-i") ? KINDS : [...KINDS, FRAGMENTATION_NEEDED];
  if (flows.length === 0) return [];
  return [{
    kind: "error", flow: random.pick(flows).flow, about: random.pick(abouts), from: random.pick(["end", "router"]), rest: 0, ...random.pick(kinds),
    quotes: random.pick(QUOTED), identification: scene.identification(),
  }];
}
