// A real server of one service: as it is given, as it is changed, as it stands.

import { z } from "zod";
import { METHODS, THRESHOLD_MAX, WEIGHT_MAX } from "#model/config/schema.js";
import { Counters, Rates } from "./counters.js";
import { address, oneOf, optional, port, whole } from "./fields.js";

const TUNNELS = ["ipip", "gue", "gre"] as const;
const CHECKSUMS = ["none", "checksum", "remote"] as const;
const weight = whole("a whole number", 0, WEIGHT_MAX);
const threshold = whole("a number of connections", 0, THRESHOLD_MAX);

export const TunnelInput = z.strictObject({
  type: optional(oneOf(TUNNELS)),
  port: optional(whole("a port", 1, 65535)),
  checksum: optional(oneOf(CHECKSUMS)),
}).describe("a mapping with type, port and checksum").meta({ id: "TunnelInput" });

const settings = {
  method: optional(oneOf(METHODS)),
  weight: optional(weight),
  upperThreshold: optional(threshold),
  lowerThreshold: optional(threshold),
  tunnel: optional(TunnelInput),
};

/** weir.yaml's keys of a destination; what is left out is at its default, and the port the service's. */
export const DestinationInput = z.strictObject({ address, port: optional(port), ...settings }).meta({ id: "DestinationInput" });
/** What is left out stays. */
export const DestinationPatch = z.strictObject(settings).meta({ id: "DestinationPatch" });

export const Destination = z.strictObject({
  id: z.string().describe("its place under the service's destinations: 192.168.1.11:80, [fd00::11]:80"),
  address,
  port,
  method: oneOf([...METHODS, "local", "bypass"]),
  weight,
  upperThreshold: threshold.describe("connections at which it is full; 0: never"),
  lowerThreshold: threshold.describe("connections at which one that was full is open again"),
  tunnel: z.strictObject({ type: oneOf(TUNNELS), port, checksum: oneOf(CHECKSUMS) }).nullable().describe("null by other methods than tun"),
  activeConnections: z.int().min(0),
  inactiveConnections: z.int().min(0),
  persistentConnections: z.int().min(0),
  counters: Counters,
  rates: Rates,
}).meta({ id: "Destination" });

export const DestinationList = z.strictObject({ destinations: z.array(Destination) }).meta({ id: "DestinationList" });
export const DestinationParams = { destination: z.string().describe("192.168.1.11:80, [fd00::11]:80") };

export type TunnelInput = z.infer<typeof TunnelInput>;
export type DestinationInput = z.infer<typeof DestinationInput>;
export type DestinationPatch = z.infer<typeof DestinationPatch>;
export type Destination = z.infer<typeof Destination>;
