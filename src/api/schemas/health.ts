// The health of servers, and of services by their quorum.

import { z } from "zod";
import { oneOf, time } from "./fields.js";

const service = z.string().describe("its place under /v1/services");
const server = z.string().describe("its place under the service's destinations");

export const Check = z.strictObject({
  check: z.string().describe("what is asked: tcp 192.168.1.11:80"),
  healthy: z.boolean().nullable().describe("null: it has not been asked yet"),
  verdict: z.string().describe("what the last answer was, or why there was none"),
  at: time.nullable(),
  failures: z.int().min(0).describe("in a row, those that are forgiven too"),
}).meta({ id: "Check" });

export const ServerHealth = z.strictObject({
  service,
  server,
  healthy: z.boolean(),
  state: oneOf(["up", "down", "starting"]).describe("starting: out until its checks have succeeded, and none has failed as yet"),
  since: time.describe("of its state; what it was in when the daemon began to watch it counts from then"),
  weight: z.int().describe("as configured"),
  weightGiven: z.int().nullable().describe("as its health has it; null: it is out of the service"),
  checks: z.array(Check),
}).meta({ id: "ServerHealth" });

export const Quorum = z.strictObject({
  service,
  held: z.boolean(),
  since: time,
  weight: z.number().describe("of its healthy servers together"),
  needed: z.number(),
  sorryServer: server.nullable(),
  sorry: z.boolean().nullable().describe("whether the sorry server stands in; null: there is none"),
}).meta({ id: "Quorum" });

export const Health = z.strictObject({ servers: z.array(ServerHealth), quorums: z.array(Quorum) }).meta({ id: "Health" });

export type Check = z.infer<typeof Check>;
export type ServerHealth = z.infer<typeof ServerHealth>;
export type Quorum = z.infer<typeof Quorum>;
export type Health = z.infer<typeof Health>;
