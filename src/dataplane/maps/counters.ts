// What is counted, by processor.

import { u64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";
import { PROCESSORS } from "../config.js";
import { SERVICES_MAX, DESTINATIONS_DEFAULT } from "./limits.js";

const counterFields = { connections: u64, packetsIn: u64, packetsOut: u64, bytesIn: u64, bytesOut: u64 };

/** A destination's, one a processor, so that no two ever write the same line. Services and totals are their sums. */
export const DestinationCounters = struct("DestinationCounters", { ...counterFields, spare: array(u64, 3) }, { size: 64 });
export type DestinationCounters = View<typeof DestinationCounters>;
export const destinationCounters = table("destinationCounters", DestinationCounters, DESTINATIONS_DEFAULT * PROCESSORS);

/** What is taken off the counters when they are shown (control/totals.ts): packets never look at these. */
export const DestinationBaseline = struct("DestinationBaseline", {
  ...counterFields,
  /** Of one that was removed: what it had answered until then. */
  packetsOutAtRemoval: u64,
  bytesOutAtRemoval: u64,
  spare: u64,
}, { size: 64 });
export const destinationBaselines = table("destinationBaselines", DestinationBaseline, DESTINATIONS_DEFAULT);
export const serviceBaselines = table("serviceBaselines", DestinationCounters, SERVICES_MAX);
export const totalBaseline = table("totalBaseline", DestinationCounters, 1);
/** By processor: what slots of `destinationCounters` had counted when other destinations got them. */
export const formerCounters = table("formerCounters", DestinationCounters, PROCESSORS);

/** Rates as estimator.ts keeps them: scaled averages, and the totals of the last time. */
export const DestinationRates = struct("DestinationRates", {
  connections: u64, packetsIn: u64, packetsOut: u64, bytesIn: u64, bytesOut: u64,
  lastConnections: u64, lastPacketsIn: u64, lastPacketsOut: u64, lastBytesIn: u64, lastBytesOut: u64,
  spare: array(u64, 6),
}, { size: 128 });
export const destinationRates = table("destinationRates", DestinationRates, DESTINATIONS_DEFAULT);

/** How often each way out was taken that is not a forwarded packet (see verdict.ts), one line of them a processor. */
export const VERDICTS_MAX = 32;
export const VerdictCounter = struct("VerdictCounter", { packets: u64 }, { size: 8 });
export const verdicts = table("verdicts", VerdictCounter, VERDICTS_MAX * PROCESSORS);
