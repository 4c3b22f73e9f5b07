// A connection, and a page of them.

import { z } from "zod";
import { METHODS, PROTOCOLS } from "#model/config/schema.js";
import { address, oneOf, optional, port, wholeText } from "./fields.js";

/** A page stands in memory as a whole, on both sides. */
export const CONNECTIONS_PAGE_MAX = 10_000;

const endpoint = z.strictObject({ address, port });

export const Connection = z.strictObject({
  protocol: oneOf([...PROTOCOLS, "ip"]).describe("ip: the template of a persistent service by mark"),
  state: z.string().describe("as the kernel prints it: ESTABLISHED, SYN_RECV, UDP, NONE"),
  expires: z.int().min(0).describe("seconds"),
  method: oneOf([...METHODS, "local", "bypass"]),
  client: endpoint,
  virtual: endpoint,
  destination: endpoint,
  persistence: z.strictObject({ engine: z.string(), data: z.string() }).nullable().describe("what a persistence engine's template is known by"),
}).meta({ id: "Connection" });

const filters = {
  protocol: optional(oneOf([...PROTOCOLS, "ip"])),
  state: optional(z.string().describe("a state such as ESTABLISHED")),
  client: optional(z.string().describe("an address, or one with a port")),
  virtual: optional(z.string().describe("an address, or one with a port")),
  destination: optional(z.string().describe("an address, or one with a port")),
};

export const ConnectionQuery = z.strictObject({
  ...filters,
  limit: optional(wholeText("a number of connections", 1, CONNECTIONS_PAGE_MAX)),
  after: optional(wholeText("the `next` of the page before, a number", 0, 2 ** 53 - 1)),
});
export const ConnectionStreamQuery = z.strictObject(filters);

export const ConnectionPage = z.strictObject({
  connections: z.array(Connection),
  next: z.int().nullable().describe("where the next page begins (?after=); null: there is none. Connections that begin or end meanwhile may be told twice or not at all"),
}).meta({ id: "ConnectionPage" });

export type Connection = z.infer<typeof Connection>;
export type ConnectionQuery = z.input<typeof ConnectionQuery>;
export type ConnectionFilters = z.input<typeof ConnectionStreamQuery>;
export type ConnectionPage = z.infer<typeof ConnectionPage>;
