// ICMP errors about packets that the director sent on: from the host that they were for, and from routers on the way.

import { addressFamily } from "#model/address.js";
import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Step } from "../script.js";

interface Kind {
  readonly type: number;
  readonly code: number;
  readonly rest?: number;
}

/** The kinds of one family, without those that tell an MTU. RFC 792: unreachable by net, host, protocol, port; source quench; time exceeded. A redirect is the stack's. */
const ICMP: readonly Kind[] = [
  { type: 3, code: 0 }, { type: 3, code: 1 }, { type: 3, code: 2 }, { type: 3, code: 3 }, { type: 4, code: 0 }, { type: 11, code: 0 }, { type: 11, code: 1 },
  { type: 5, code: 1, rest: 0x0a0000fe }, { type: 12, code: 0 },
];
/** RFC 4443: unreachable by route, policy, address, port; time exceeded; parameter problem. */
const ICMPV6: readonly Kind[] = [
  { type: 1, code: 0 }, { type: 1, code: 1 }, { type: 1, code: 3 }, { type: 1, code: 4 }, { type: 3, code: 0 }, { type: 3, code: 1 }, { type: 4, code: 1, rest: 6 },
];
const FRAGMENTATION_NEEDED: Kind = { type: 3, code: 4, rest: 1400 };
const PACKET_TOO_BIG: Kind = { type: 2, code: 0, rest: 1400 };
/** The least that RFC 792 asks for, the usual, the most that RFC 1812 allows; as much of a packet by IPv6, whose header is longer. */
const QUOTED = [28, 28, 60, 128, 548] as const;
const QUOTED_IPV6 = [48, 48, 80, 128, 1232] as const;

export const icmpErrors: Feature = {
  name: "icmp-errors",
  moves: [{ weight: 80, make: report }],
};

function report(scene: Scene): readonly Step[] {
  const { random, flows, methods, tunnelsRemoved, kind } = scene;
  // docs/lvs-compatibility.md: errors that only pass the director, those out of a tunnel to a server that is gone, and the MTU that IPVS remembers of a tunnel's way.
  // And servers' errors by IPv6, whose checksum IPVS gets wrong.
  const isClearOfRequests = methods.includes("-g") || tunnelsRemoved || kind.families.some(({ family }) => family === 6);
  const abouts = isClearOfRequests ? (["answer"] as const) : (["request", "answer"] as const);
  if (flows.length === 0) return [];
  const { flow } = random.pick(flows);
  const ofIpv6 = addressFamily(flow.client.address) === 6;
  const kinds = ofIpv6 ? ICMPV6 : ICMP;
  return [{
    kind: "error", flow, about: random.pick(abouts), from: random.pick(["end", "router"]), rest: 0,
    ...random.pick(methods.includes("-i") ? kinds : [...kinds, ofIpv6 ? PACKET_TOO_BIG : FRAGMENTATION_NEEDED]),
    quotes: random.pick(ofIpv6 ? QUOTED_IPV6 : QUOTED), identification: scene.identification(),
  }];
}
