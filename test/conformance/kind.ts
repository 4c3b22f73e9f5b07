// The kinds of scripts: families of addresses, and features that may take part. Another kind beside the others, and no more features
// in one that is there: so the same seed gives the same script for good.

import type { Addresses } from "./addresses.js";
import { ipv4Addresses, ipv6Addresses } from "./addresses.js";
import type { Feature } from "./feature.js";
import { administration } from "./features/administration.js";
import { fragments } from "./features/fragments.js";
import { icmpErrors } from "./features/icmp-errors.js";
import { ipsec } from "./features/ipsec.js";
import { marks } from "./features/marks.js";
import { oddPackets } from "./features/odd-packets.js";
import { onePacket } from "./features/one-packet.js";
import { persistence } from "./features/persistence.js";
import { schedulers } from "./features/schedulers.js";
import { sctp } from "./features/sctp.js";
import { strays } from "./features/strays.js";
import { sysctls } from "./features/sysctls.js";
import { tcp } from "./features/tcp.js";
import { thresholds } from "./features/thresholds.js";
import { timeouts } from "./features/timeouts.js";
import { udp } from "./features/udp.js";
import { zeroing } from "./features/zeroing.js";

export interface Kind {
  readonly name: string;
  /** Where there are both, servers by TUN are of either, whatever their service's is. */
  readonly families: readonly Addresses[];
  readonly features: readonly Feature[];
  /** Those that take part in every script. */
  readonly always?: readonly Feature[];
  /** ipvsadm's options for the methods of forwarding; all of them when nothing is said. */
  readonly methods?: readonly string[];
}

const FEATURES: readonly Feature[] = [administration, tcp, udp, schedulers, thresholds, persistence, onePacket, timeouts, icmpErrors, oddPackets, sysctls];
const BOTH = [ipv4Addresses, ipv6Addresses].map((addresses) => ({ families: [addresses], suffix: addresses.family === 6 ? "6" : "" }));
const FRAGMENTED: readonly Feature[] = [administration, tcp, udp, fragments, schedulers, persistence, onePacket, sysctls];
const ASSOCIATIONS: readonly Feature[] = [administration, sctp, schedulers, thresholds, persistence, icmpErrors, oddPackets, sysctls];
const ASTRAY: readonly Feature[] = [administration, tcp, udp, strays, schedulers, thresholds, persistence, sysctls];

export const KINDS: readonly Kind[] = [
  { name: "ipv4", families: [ipv4Addresses], features: FEATURES },
  { name: "ipv6", families: [ipv6Addresses], features: FEATURES },
  { name: "mixed", families: [ipv4Addresses, ipv6Addresses], features: FEATURES },
  ...BOTH.map(({ families, suffix }) => ({ name: `fragments${suffix}`, families, features: FRAGMENTED, always: [fragments], methods: ["-m", "-g"] })),
  ...BOTH.map(({ families, suffix }) => ({ name: `sctp${suffix}`, families, features: ASSOCIATIONS, always: [sctp] })),
  { name: "ipsec", families: [ipv4Addresses], features: [administration, udp, ipsec, schedulers, persistence, sysctls], always: [udp, ipsec] },
  ...BOTH.map(({ families, suffix }) => ({ name: `marks${suffix}`, families, features: [...FEATURES, marks], always: [marks] })),
  ...BOTH.map(({ families, suffix }) => ({ name: `strays${suffix}`, families, features: ASTRAY, always: [strays] })),
  { name: "zeroing", families: [ipv4Addresses], features: [administration, tcp, udp, zeroing, schedulers, sysctls], always: [zeroing] },
];

export function kindByName(name: string): Kind {
  return named("kind", KINDS, name);
}

/** All of the kind's when none is named. */
export function featuresByName(kind: Kind, names: readonly string[]): readonly Feature[] {
  return names.length === 0 ? kind.features : names.map((name) => named("feature", kind.features, name));
}

function named<T extends { readonly name: string }>(what: string, all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no ${what} ${name}; there are ${all.map((one) => one.name).join(", ")}`);
  return found;
}
