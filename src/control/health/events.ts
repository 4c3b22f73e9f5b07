// What the engine has to tell: the director's events, and what an administrator should find in the log besides.

import type { DestinationId, ServiceId } from "#model/director.js";
import type { DirectorEvent } from "#model/events.js";
import type { Command } from "#model/health.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";

type Of<K extends DirectorEvent["kind"]> = Extract<DirectorEvent, { kind: K }>;

export type HealthEvent =
  | Of<"server"> | Of<"weight"> | Of<"configuration">
  /** `weight`: of healthy servers together; `threshold`: what it had to be. */
  | (Of<"quorum"> & { readonly weight: number; readonly threshold: number; readonly sorryServer: DestinationId | undefined })
  /** What is to be changed was not, as yet. */
  | { readonly kind: "failure"; readonly attempted: string; readonly reason: string }
  | { readonly kind: "notification"; readonly command: Command; readonly succeeded: boolean; readonly reason: string };

/** Undefined for what is for the log alone. */
export function directorEvent(event: HealthEvent): DirectorEvent | undefined {
  switch (event.kind) {
    case "failure": case "notification": return undefined;
    case "quorum": return { kind: "quorum", service: event.service, ...(event.group !== undefined && { group: event.group }), held: event.held };
    default: return event;
  }
}

/** What an administrator should look at. */
export function isBad(event: HealthEvent): boolean {
  switch (event.kind) {
    case "server": return !event.healthy;
    case "quorum": return !event.held;
    case "notification": return !event.succeeded;
    default: return event.kind === "failure";
  }
}

/** A line each. */
export function describeEvent(event: HealthEvent): readonly string[] {
  switch (event.kind) {
    case "server": return [`server ${serverName(event)} is ${event.healthy ? "up" : "down"}: ${event.reason}`];
    case "weight": return [`server ${serverName(event)} has weight ${event.before} → ${event.weight}: ${event.reason}`];
    case "quorum": return [`${event.group === undefined ? `service ${formatServiceId(event.service)}` : `group ${event.group}`} has ${event.held ? "its" : "lost its"} quorum: ${event.weight} of ${event.threshold}${sorry(event)}`];
    case "configuration": return event.changes;
    case "failure": return [`${event.attempted}: not done: ${event.reason}`];
    case "notification": return [`${event.succeeded ? "ran" : "could not run"} ${describeCommand(event.command)}: ${event.reason}`];
  }
}

const describeCommand = ({ words, user }: Command): string => `${words.join(" ")}${user === undefined ? "" : ` as ${user}`}`;

const serverName = ({ server, service, group }: { readonly server: DestinationId; readonly service: ServiceId; readonly group?: string }): string =>
  `${formatEndpoint(server)} of ${group === undefined ? formatServiceId(service) : `group ${group}`}`;

const sorry = ({ sorryServer, held }: { readonly sorryServer: DestinationId | undefined; readonly held: boolean }): string =>
  sorryServer === undefined ? "" : `; its sorry server ${formatEndpoint(sorryServer)} ${held ? "goes" : "stands in"}`;
