// Rates, as LVS estimates them: every two seconds (a slice of the destinations at a time), what was counted since the last time joins a moving average that
// weighs it by a quarter. Linux v6.1 net/netfilter/ipvs/ip_vs_est.c, estimation_timer(): rates of connections and packets
// are scaled by 2^10, those of bytes by 2^5.

import type { i64, u32, u64 } from "#layout/numbers.js";
import { i64 as I64, u32 as U32, u64 as U64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import type { MapSpec } from "#ebpf/spec.js";
import { bpf_loop, bpf_timer_start } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import { DESTINATIONS, PROCESSORS } from "./config.js";
import type { Estimator } from "./maps.js";
import { DESTINATION_IN_USE, destinationCounters, destinationRates, destinations, MapIndex, sysctls } from "./maps.js";

const PERIOD_NANOSECONDS = 2_000_000_000n;
/** A slice keeps its processor from all else; so many are half a millisecond at the most. */
const SLICE_DESTINATIONS = 2 ** 11;
export const ESTIMATOR_SLICE_NANOSECONDS: u64 = (PERIOD_NANOSECONDS * U64(SLICE_DESTINATIONS)) / U64(DESTINATIONS);

export const Totals = struct("Totals", { connections: U64, packetsIn: U64, packetsOut: U64, bytesIn: U64, bytesOut: U64 });
type Totals = View<typeof Totals>;
export const Slice = struct("EstimatorSlice", { first: U32 });

export function estimate(_map: MapSpec, _key: View<typeof MapIndex>, state: Estimator): i64 {
  const slice = make(Slice, { first: state.cursor });
  if (sysctls.at(0).run_estimation !== 0) bpf_loop(SLICE_DESTINATIONS, visit, slice, 0n);
  state.cursor = (slice.first + SLICE_DESTINATIONS) & (DESTINATIONS - 1);
  bpf_timer_start(state.timer, ESTIMATOR_SLICE_NANOSECONDS, 0n);
  return 0n;
}

function visit(place: u32, slice: View<typeof Slice>): i64 {
  const index = (slice.first + place) & (DESTINATIONS - 1);
  if ((destinations.at(index).flags & DESTINATION_IN_USE) === 0) return 0n;
  const now = make(Totals);
  for (let processor = 0; processor < PROCESSORS; processor++) add(now, index + processor * DESTINATIONS);
  const rates = destinationRates.at(index);
  rates.connections = average(rates.connections, (now.connections - rates.lastConnections) << 9n);
  rates.packetsIn = average(rates.packetsIn, (now.packetsIn - rates.lastPacketsIn) << 9n);
  rates.packetsOut = average(rates.packetsOut, (now.packetsOut - rates.lastPacketsOut) << 9n);
  rates.bytesIn = average(rates.bytesIn, (now.bytesIn - rates.lastBytesIn) << 4n);
  rates.bytesOut = average(rates.bytesOut, (now.bytesOut - rates.lastBytesOut) << 4n);
  rates.lastConnections = now.connections;
  rates.lastPacketsIn = now.packetsIn;
  rates.lastPacketsOut = now.packetsOut;
  rates.lastBytesIn = now.bytesIn;
  rates.lastBytesOut = now.bytesOut;
  return 0n;
}

function add(totals: Totals, at: u32): void {
  const counters = destinationCounters.at(at);
  totals.connections += counters.connections;
  totals.packetsIn += counters.packetsIn;
  totals.packetsOut += counters.packetsOut;
  totals.bytesIn += counters.bytesIn;
  totals.bytesOut += counters.bytesOut;
}

function average(rate: u64, latest: u64): u64 {
  return rate + U64((I64(latest) - I64(rate)) >> 2n);
}
