// How another configuration has servers watched otherwise, in the words of `weir apply`: the director itself knows nothing of it.

import { isDeepStrictEqual } from "node:util";
import type { ConfiguredService } from "#model/config.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";

/** One line for each service that stays; servers that come or go have lines of their own, and take their checks along. */
export function describeWatching(before: readonly ConfiguredService[], after: readonly ConfiguredService[]): readonly string[] {
  const standing = new Map(before.map((service) => [formatServiceId(service.id), service]));
  return after.flatMap((service) => {
    const name = formatServiceId(service.id);
    const was = standing.get(name);
    if (was === undefined) return [];
    const [old, now] = [watched(was, service), watched(service, was)];
    if (isDeepStrictEqual(old, now)) return [];
    const [from, to] = [old.checks, now.checks].map((checks) => count(checks.flat().length));
    return [`service ${name}: watched otherwise, ${from === to ? "by other settings" : `${from} → ${to}`}`];
  });
}

/** What is to be known of the servers that both have, and of the service itself. */
function watched({ destinations, health }: ConfiguredService, other: ConfiguredService) {
  const both = new Set(other.destinations.map(formatEndpoint));
  const staying = destinations.filter((destination) => both.has(formatEndpoint(destination))).sort((a, b) => (formatEndpoint(a) < formatEndpoint(b) ? -1 : 1));
  return { checks: staying.map((one) => one.health.checks), others: staying.map(({ health: { checks: _checks, ...rest } }) => rest), health };
}

const count = (checks: number): string => (checks === 1 ? "1 check" : `${checks === 0 ? "no" : checks} checks`);
