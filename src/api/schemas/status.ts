// The data plane: where weir's programs are, how full the tables are, what was not forwarded.

import { z } from "zod";
import { oneOf } from "./fields.js";
import { Timeouts } from "./timeouts.js";

export const Verdicts = z.record(z.string(), z.int().min(0)).meta({
  id: "Verdicts", description: "Packets that were not forwarded, by what became of them (docs/verdicts.md); what never happened is left out.",
});

export const Status = z.strictObject({
  attachments: z.array(z.strictObject({ interface: z.string(), hook: oneOf(["tc", "xdp", "generic"]), reason: z.string().describe("why this hook") })),
  connectionTables: z.array(z.strictObject({ family: oneOf(["IPv4", "IPv6"]), entriesUsed: z.int().min(0), entriesMax: z.int().min(0) })),
  egress: z.array(z.string()).describe("the interfaces at whose egress packets of the director's own are met: answers of servers by NAT that are the director itself, and requests to VIPs that are none of its addresses; none where no service needs it"),
  marks: z.strictObject({
    device: z.string(), marks: z.array(z.int()), trouble: z.string().nullable().describe("why packets may not come, and what would help"),
  }).nullable().describe("the way back of packets that netfilter marks; null where there are no services by mark"),
  verdicts: Verdicts,
  timeouts: Timeouts,
  stateDirectory: z.string().describe("where maps, programs and links are pinned"),
}).meta({ id: "Status" });

export const About = z.strictObject({
  name: z.literal("weir"),
  version: z.string(),
  namespace: z.string().describe("the network namespace whose director this is: net:[4026531840]"),
}).meta({ id: "About" });

export type Verdicts = z.infer<typeof Verdicts>;
export type Status = z.infer<typeof Status>;
export type About = z.infer<typeof About>;
