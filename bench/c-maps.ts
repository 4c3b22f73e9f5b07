// The maps that the C program has for itself; all others are weir's.

import { Be16, Be32, u32, u64, u8 } from "#layout/numbers.js";
import type { StructType } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { DESTINATIONS_DEFAULT, DestinationCounters, Hop, VERDICTS_MAX } from "#dataplane/maps.js";
import type { MapSpec } from "#ebpf/spec.js";
import { MapType } from "#ebpf/spec.js";
import { IpProtocol } from "#wire/ipv4.js";

/** As the packet has them. */
export const CConnectionKey = struct("CConnectionKey", {
  source: Be32, destination: Be32, sourcePort: Be16, destinationPort: Be16, protocol: IpProtocol, padding: array(u8, 3),
}, { size: 16 });

/** What every packet needs stands first, behind the kernel's own 48 bytes and the key. */
export const CConnection = struct("CConnection", {
  expires: u32,
  flags: u32,
  destination: u32,
  /** What the packet gets: the real server's, or for its answers the VIP's. */
  address: Be32,
  port: Be16,
  state: u8,
  padding: u8,
  /** Of an entry for answers. */
  clientHop: Hop,
}, { size: 44 });

export const CVerdict = struct("CVerdict", { packets: u64 });

/** `connections`: how many fit; NAT's take two entries. */
export function cMaps(connections: number): readonly MapSpec[] {
  return [
    map("c_connections", MapType.HASH, CConnectionKey, CConnection, connections),
    map("c_counters", MapType.PERCPU_ARRAY, u32, DestinationCounters, DESTINATIONS_DEFAULT),
    map("c_verdicts", MapType.PERCPU_ARRAY, u32, CVerdict, VERDICTS_MAX),
  ];
}

function map(name: string, type: MapType, key: StructType<any, any> | typeof u32, value: StructType<any, any>, maxEntries: number): MapSpec {
  return { kind: "map", name, type, key, value, keySize: key.kind === "struct" ? key.size : 4, valueSize: value.size, maxEntries, flags: 0 };
}
