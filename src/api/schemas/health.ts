// The health of servers, and of services by their quorum.

import { z } from "zod";
import { time } from "./fields.js";

const service = z.string().describe("its place under /v1/services");
const server = z.string().describe("its place under the service's destinations");

export const Check = z.strictObject({
  check: z.string().describe("what is asked: tcp 192.168.1.11:80"),
  healthy: z.boolean().nullable().describe("null: it has not been asked yet"),
  verdict: z.string().describe("what the last answer was, or why there was none"),
  at: time.nullable(),
  failures: z.int().min(0).describe("in a row, those that are forgiven too"),
}).meta({ id: "Check" });

export const ServerHealth = z.strictObject({ service, server, healthy: z.boolean(), checks: z.array(Check) }).meta({ id: "ServerHealth" });

export const Quorum = z.strictObject({
  service,
  held: z.boolean(),
  weight: z.number().describe("of its healthy servers together"),
  needed: z.number(),
  sorry: z.boolean().nullable().describe("whether the sorry server stands in; null: there is none"),
}).meta({ id: "Quorum" });

export const Health = z.strictObject({ servers: z.array(ServerHealth), quorums: z.array(Quorum) }).meta({ id: "Health" });

export type Check = z.infer<typeof Check>;
export type ServerHealth = z.infer<typeof ServerHealth>;
export type Quorum = z.infer<typeof Quorum>;
export type Health = z.infer<typeof Health>;
