// A virtual service: as it is given, as it is changed, as it stands.

import { z } from "zod";
import { PERSISTENT_SECONDS_MAX, PROTOCOLS, SCHEDULER_FLAGS } from "#model/config/schema.js";
import { Counters, Rates } from "./counters.js";
import { Destination } from "./destination.js";
import { address, oneOf, optional, port, whole } from "./fields.js";

/** As paths have it: /v1/services/tcp/10.0.0.100:80, /v1/services/fwmark/3; of a mark with IPv6 services, /v1/services/fwmark6/3. */
export const SERVICE_KINDS = [...PROTOCOLS, "fwmark", "fwmark6"] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

const fwmark = whole("a firewall mark", 1, 2 ** 32 - 1);
const family = z.union([z.literal(4), z.literal(6)]).describe("4 or 6");
const flag = z.enum(Object.keys(SCHEDULER_FLAGS) as [keyof typeof SCHEDULER_FLAGS, ...(keyof typeof SCHEDULER_FLAGS)[]]);
const scheduler = z.string().min(1).max(16).describe("the name of a scheduler, such as wlc");
const persistent = whole("a number of seconds", 0, PERSISTENT_SECONDS_MAX);
const netmask = z.string().describe("an IPv4 mask such as 255.255.255.0, or an IPv6 prefix length, as text");

const settings = {
  scheduler: optional(scheduler),
  schedulerFlags: optional(z.array(flag).describe("a list of scheduler flags")),
  persistent: optional(persistent),
  netmask: optional(netmask),
  persistenceEngine: z.enum(["sip"]).nullable().optional().describe("sip or null"),
  onePacket: optional(z.boolean().describe("true or false")),
};

/** weir.yaml's keys of a service: protocol, address and port, or fwmark; what is left out is at its default. */
export const ServiceInput = z.strictObject({
  protocol: optional(oneOf(PROTOCOLS)), address: optional(address), port: optional(port), fwmark: optional(fwmark), family: optional(family), ...settings,
}).meta({ id: "ServiceInput" });
/** What is left out stays. */
export const ServicePatch = z.strictObject(settings).meta({ id: "ServicePatch" });

const state = {
  id: z.string().describe("its place under /v1/services: tcp/10.0.0.100:80, fwmark/3"),
  scheduler,
  schedulerFlags: z.array(flag),
  persistent: persistent.describe("seconds; 0: not persistent"),
  netmask,
  persistenceEngine: z.enum(["sip"]).nullable(),
  onePacket: z.boolean(),
  counters: Counters,
  rates: Rates,
  destinations: z.array(Destination).describe("in the kernel's order, the newest first"),
};

export const Service = z.union([
  z.strictObject({ protocol: oneOf(PROTOCOLS), address, port, ...state }),
  z.strictObject({ fwmark, family, ...state }),
]).meta({ id: "Service" });

export const ServiceList = z.strictObject({
  services: z.array(Service).describe("in the kernel's order"),
}).meta({ id: "ServiceList" });

export const ServiceParams = {
  kind: oneOf(SERVICE_KINDS),
  service: z.string().describe("10.0.0.100:80, [fd00::100]:80, or a firewall mark"),
};

export type ServiceInput = z.infer<typeof ServiceInput>;
export type ServicePatch = z.infer<typeof ServicePatch>;
export type Service = z.infer<typeof Service>;
