// What a world's counters and tables say, as plain values that compare.

import { Rows } from "#control/rows.js";
import { connectionsOf } from "#control/connections.js";
import type { VerdictCounts } from "#control/verdicts.js";
import { VERDICT_NAMES, verdictCounts as countsOf } from "#control/verdicts.js";
import { TAG_LIVE } from "#dataplane/connection.js";
import {
  DESTINATIONS_DEFAULT, DESTINATION_IN_USE, SLOTS_PER_BUCKET, buckets4, connections4, destinationCounters, destinations,
} from "#dataplane/maps.js";
import type { DestinationState } from "#model/director.js";
import { addressText } from "./frame.js";
import { host16 } from "#layout/numbers.js";
import type { World } from "./world.js";

export const verdictCounts = (world: World): VerdictCounts => countsOf(world.store);

export function difference(before: VerdictCounts, after: VerdictCounts): VerdictCounts {
  const changes = VERDICT_NAMES.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

export interface Sums {
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/**
 * Of all destinations together, since the last reset: read off the tables, without the director's way of showing them. The last fragment of IPv6 may take away on
 * one processor what the first counted on another.
 */
export function sums(world: World): Sums {
  const rows = new Rows(world.store, destinationCounters);
  const flags = new Rows(world.store, destinations);
  const total = { packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };
  for (let destination = 0; (flags.number(destination, "flags") & DESTINATION_IN_USE) !== 0; destination++) {
    for (let at = destination; at < rows.length; at += DESTINATIONS_DEFAULT) {
      for (const name of Object.keys(total) as (keyof Sums)[]) total[name] += Number(BigInt.asIntN(64, rows.bigint(at, name)));
    }
  }
  return total;
}

export const allDestinations = (world: World): readonly DestinationState[] => world.director.services().flatMap(({ destinations }) => destinations);

/** Where each connection stands in the table and what it says, but for times and hops, which follow the clock. */
export function connectionRows(world: World): readonly string[] {
  const rows = new Rows(world.store, connections4);
  return [...liveSlots(world)].map(({ index, tag, overflow }) => {
    const row = rows.read(index);
    const end = (address: typeof row.clientAddress, port: typeof row.clientPort) => `${addressText(address)}:${host16(port)}`;
    return [index, tag.toString(16), overflow, row.protocol, end(row.clientAddress, row.clientPort), end(row.virtualAddress, row.virtualPort),
      end(row.destinationAddress, row.destinationPort), `state ${row.state}`, `flags ${row.flags.toString(16)}`, row.destination, row.displacement].join(" ");
  });
}

function* liveSlots(world: World): Generator<{ readonly index: number; readonly tag: number; readonly overflow: number }> {
  const rows = new Rows(world.store, buckets4);
  for (let at = 0; at < rows.length; at++) {
    const { tags, overflow } = rows.read(at);
    for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
      const tag = tags[slot] ?? 0;
      if (tag >= TAG_LIVE) yield { index: at * SLOTS_PER_BUCKET + slot, tag, overflow };
    }
  }
}

/** How many buckets beyond its own each live connection stands. */
export function displacements(world: World): readonly number[] {
  const rows = new Rows(world.store, connections4);
  return [...liveSlots(world)].map(({ index }) => rows.number(index, "displacement"));
}

/** The sum of all buckets' counts of connections that were put further on. */
export function overflowTotal(world: World): number {
  const rows = new Rows(world.store, buckets4);
  let total = 0;
  for (let at = 0; at < rows.length; at++) total += rows.number(at, "overflow");
  return total;
}

/** Everything that may differ from one executor to another if one of them is wrong. */
export function snapshot(world: World) {
  return {
    connections: connectionRows(world),
    listed: [...connectionsOf(world.store)].length,
    verdicts: verdictCounts(world),
    destinations: allDestinations(world).map(({ address, port, activeConnections, inactiveConnections, counters }) =>
      `${address}:${port} active ${activeConnections} inactive ${inactiveConnections} ${Object.values(counters).join(" ")}`),
  };
}
