// The configuration as a whole: what runs, what a plan says, what apply did.

import { z } from "zod";
import { ServiceInput } from "./service.js";
import { DestinationInput } from "./destination.js";
import { MarkRule } from "./mark.js";
import { oneOf, optional, whole } from "./fields.js";
import { SyncDaemon } from "./sync-daemon.js";
import { Sysctls } from "./sysctls.js";
import { Timeouts } from "./timeouts.js";

export const ConfigurationQuery = z.strictObject({ file: optional(z.string().max(4096).describe("a file's name, for messages")) });

/** What apply takes. Its own rules find every mistake (docs/configuration.md); here it is any mapping. */
export const ConfigurationInput = z.record(z.string(), z.unknown()).meta({ id: "ConfigurationInput", description: "What weir.yaml holds: docs/configuration.md." });

export const Running = z.strictObject({
  services: z.array(ServiceInput.extend({ destinations: z.array(DestinationInput) })),
  interfaces: z.array(z.strictObject({ name: z.string(), mode: oneOf(["tc", "xdp", "generic"]) })),
  addresses: z.array(z.strictObject({ vip: z.string(), interface: z.string() })).describe("those that weir put up"),
  timeouts: Timeouts,
  marks: z.array(MarkRule),
  sync: z.array(SyncDaemon),
  sysctl: Sysctls,
}).meta({ id: "Running", description: "What runs, as weir.yaml would say it: applied, it changes nothing." });

export const Plan = z.strictObject({
  changes: z.array(z.string()).describe("what apply would say"),
  staying: whole("a number", 0, 2 ** 53 - 1).describe("connections that keep their server"),
  leaving: z.array(z.strictObject({ server: z.string(), service: z.string(), connections: z.int() })).describe("servers that go while connections stand"),
}).meta({ id: "Plan" });

export const Applied = z.strictObject({ changes: z.array(z.string()).describe("what was changed, one line each, in an operator's words") }).meta({ id: "Applied" });

export type Running = z.infer<typeof Running>;
export type Plan = z.infer<typeof Plan>;
export type Applied = z.infer<typeof Applied>;
