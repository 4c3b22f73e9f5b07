// Daemons that tell other directors of connections, or hear of theirs.

import { z } from "zod";
import { address, oneOf, optional, whole } from "./fields.js";

export const ROLES = ["master", "backup"] as const;
const settings = { lengthMax: whole("a number of bytes", 1, 65535), group: address, port: whole("a port", 1, 65535), ttl: whole("a number of hops", 1, 255) };
const identity = { role: oneOf(ROLES), interface: z.string().min(1).describe("the name of an interface"), syncId: whole("a number", 0, 255) };

export const SyncDaemon = z.strictObject({ ...identity, ...settings }).meta({ id: "SyncDaemon" });
/** What is left out is the director's choice. */
export const SyncDaemonInput = z.strictObject({
  ...identity, lengthMax: optional(settings.lengthMax), group: optional(settings.group), port: optional(settings.port), ttl: optional(settings.ttl),
}).meta({ id: "SyncDaemonInput" });
export const SyncDaemonList = z.strictObject({ daemons: z.array(SyncDaemon) }).meta({ id: "SyncDaemonList" });

export type SyncDaemon = z.infer<typeof SyncDaemon>;
export type SyncDaemonInput = z.infer<typeof SyncDaemonInput>;
