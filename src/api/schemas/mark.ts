// Rules that give packets firewall marks, as weir.yaml writes them.

import { z } from "zod";
import { PROTOCOLS } from "#model/config/schema.js";
import { MARK_RULES_MAX } from "#model/marks.js";
import { oneOf, optional, whole } from "./fields.js";

const network = z.string().describe("an address, or a network such as 10.0.0.0/8");
const ports = z.union([z.int(), z.string()]).describe("a port, or a range such as 1024-65535");

export const MarkRule = z.strictObject({
  mark: whole("a number", 1, 2 ** 32 - 1),
  family: optional(z.union([z.literal(4), z.literal(6)]).describe("4 or 6")),
  protocol: optional(oneOf(PROTOCOLS)),
  from: optional(network),
  to: optional(network),
  fromPorts: optional(ports),
  ports: optional(ports),
}).meta({ id: "MarkRule" });

export const MarkRules = z.strictObject({
  marks: z.array(MarkRule).describe(`a list of rules for firewall marks, at most ${MARK_RULES_MAX}; a packet gets the mark of the first that it agrees with`),
}).meta({ id: "MarkRules" });

export type MarkRule = z.infer<typeof MarkRule>;
export type MarkRules = z.infer<typeof MarkRules>;
