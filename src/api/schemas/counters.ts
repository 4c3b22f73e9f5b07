// What was counted, and how much of it a second.

import { z } from "zod";
import { count } from "./fields.js";

const numbers = { connections: count, packetsIn: count, packetsOut: count, bytesIn: count, bytesOut: count };

export const Counters = z.strictObject(numbers).meta({ id: "Counters", description: "Since the entry was made or zeroed. Bytes are IP lengths." });
export const Rates = z.strictObject(numbers).meta({ id: "Rates", description: "Of a second, averaged as the kernel's estimator does." });
export const Totals = z.strictObject({
  counters: Counters,
  processors: z.array(Counters).describe("since the director was made, on each processor; of those that are not listed there is nothing"),
  rates: Rates,
}).meta({ id: "Totals", description: "Of all services together, those that are gone among them." });

export type Counters = z.infer<typeof Counters>;
export type Rates = z.infer<typeof Rates>;
export type Totals = z.infer<typeof Totals>;
