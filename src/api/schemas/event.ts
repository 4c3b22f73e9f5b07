// What happened to the director. As text/event-stream each has its kind as `event`, its place as `id`, and this as `data`.

import { z } from "zod";
import { oneOf, time } from "./fields.js";

const common = { id: z.string().describe("for Last-Event-ID"), at: time };
const service = z.string().describe("its place under /v1/services; of a group, the first one's");
const group = z.string().optional().describe("of services that are watched as one: it is true of all of them");

export const ConfigurationEvent = z.strictObject({
  ...common,
  kind: z.literal("configuration"),
  by: oneOf(["api", "file", "health", "other"]).describe("other: ipvsadm, or whoever writes to the same director"),
  changes: z.array(z.string()).describe("as weir apply says them"),
}).meta({ id: "ConfigurationEvent" });

export const ServerEvent = z.strictObject({
  ...common, kind: z.literal("server"), service, group, server: z.string(), healthy: z.boolean(), reason: z.string().describe("what its check said"),
}).meta({ id: "ServerEvent" });

export const WeightEvent = z.strictObject({
  ...common, kind: z.literal("weight"), service, group, server: z.string(), before: z.int(), weight: z.int(), reason: z.string().describe("what its check said"),
}).meta({ id: "WeightEvent", description: "A check gave a server another weight." });

export const QuorumEvent = z.strictObject({ ...common, kind: z.literal("quorum"), service, group, held: z.boolean() }).meta({ id: "QuorumEvent" });

export const MissedEvent = z.strictObject({ ...common, kind: z.literal("missed") })
  .meta({ id: "MissedEvent", description: "Since Last-Event-ID more happened than is kept, or weir was started anew: ask for what matters." });

export const Event = z.union([ConfigurationEvent, ServerEvent, WeightEvent, QuorumEvent, MissedEvent]).meta({ id: "Event" });

export const EventHeaders = z.strictObject({ "last-event-id": z.string().optional().describe("the id of the last event that was seen: those after it come first") });

export type Event = z.infer<typeof Event>;
