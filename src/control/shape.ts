// How large a director's tables are, and what its kernel can do: what a program is compiled for. The same for as long as
// the state exists, so that programs of a later version fit the maps of an earlier one.

import type { MapSpec } from "#ebpf/spec.js";
import { resizeTable } from "#prelude/maps.js";
import * as maps from "#dataplane/maps.js";

export interface Shape {
  /** A power of two, at least the machine's possible processors. */
  readonly processors: number;
  /** Connections that fit, of IPv4 and of IPv6; powers of two. */
  readonly connections: number;
  readonly connectionsIpv6: number;
  /** Destinations that fit; a power of two. */
  readonly destinations: number;
  /** bpf_fib_lookup tells the source address of a route (Linux 6.7). */
  readonly fibGivesSource: boolean;
  /** bpf_l4_csum_replace takes BPF_F_IPV6 (Linux 6.16). */
  readonly csumKnowsIpv6: boolean;
  /** TC programs are attached by links (TCX, Linux 6.6); else by filters of tc. */
  readonly tcx: boolean;
}

/** The tables, and hash maps, whose size the shape decides, with their entries. */
export function tableEntries(shape: Shape): { readonly [map: string]: number } {
  return {
    buckets: shape.connections / maps.SLOTS_PER_BUCKET,
    connections: shape.connections,
    buckets6: shape.connectionsIpv6 / maps.SLOTS_PER_BUCKET,
    connections6: shape.connectionsIpv6,
    beginnings: shape.processors,
    beginnings6: shape.processors,
    handovers: shape.processors,
    quotations: shape.processors,
    destinations: shape.destinations,
    realServers: shape.destinations,
    members: maps.MEMBERS_PER_DESTINATION * shape.destinations,
    destinationBaselines: shape.destinations,
    destinationRates: shape.destinations,
    destinationCounters: shape.destinations * shape.processors,
    formerCounters: shape.processors,
    ftpLines: shape.processors,
    searches: shape.processors,
    sipMessages: shape.processors,
    verdicts: maps.VERDICTS_MAX * shape.processors,
  };
}

/** All maps of a director of that shape, by name. */
export function mapSpecs(shape: Shape): ReadonlyMap<string, MapSpec> {
  const entries = tableEntries(shape);
  const specs = (Object.values(maps) as unknown[]).filter(isMap);
  return new Map(specs.map((spec) => [spec.name, resized(spec, entries[spec.name])]));
}

function resized(spec: MapSpec, entries: number | undefined): MapSpec {
  if (entries === undefined) return spec;
  return spec.tableEntries === undefined ? { ...spec, maxEntries: entries } : resizeTable(spec, entries);
}

function isMap(value: unknown): value is MapSpec {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "map";
}

export function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}
