// What happens to servers and services: for logs and for whoever follows them.

import type { DestinationId, ServiceId } from "#model/director.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";

export type HealthEvent =
  | { readonly kind: "serverUp" | "serverDown"; readonly service: ServiceId; readonly server: DestinationId; readonly reason: string }
  | { readonly kind: "weightChanged"; readonly service: ServiceId; readonly server: DestinationId; readonly before: number; readonly weight: number; readonly reason: string }
  | { readonly kind: "quorumWon" | "quorumLost"; readonly service: ServiceId; readonly weight: number; readonly threshold: number; readonly sorryServer: DestinationId | undefined }
  | { readonly kind: "changed"; readonly service: ServiceId; readonly change: string }
  | { readonly kind: "changeFailed"; readonly service: ServiceId; readonly change: string; readonly reason: string }
  | { readonly kind: "notified" | "notificationFailed"; readonly command: readonly string[]; readonly reason: string };

/** What an administrator should look at. */
export function isBad({ kind }: HealthEvent): boolean {
  return kind === "serverDown" || kind === "quorumLost" || kind === "changeFailed" || kind === "notificationFailed";
}

/** One line. */
export function describeEvent(event: HealthEvent): string {
  switch (event.kind) {
    case "serverUp": return `server ${serverName(event)} is up: ${event.reason}`;
    case "serverDown": return `server ${serverName(event)} is down: ${event.reason}`;
    case "weightChanged": return `server ${serverName(event)} has weight ${event.before} → ${event.weight}: ${event.reason}`;
    case "quorumWon": return `service ${formatServiceId(event.service)} has its quorum: ${event.weight} of ${event.threshold}${sorry(event, "goes")}`;
    case "quorumLost": return `service ${formatServiceId(event.service)} has lost its quorum: ${event.weight} of ${event.threshold}${sorry(event, "stands in")}`;
    case "changed": return event.change;
    case "changeFailed": return `${event.change}: not done: ${event.reason}`;
    case "notified": return `ran ${event.command.join(" ")}: ${event.reason}`;
    case "notificationFailed": return `could not run ${event.command.join(" ")}: ${event.reason}`;
  }
}

const serverName = ({ server, service }: { readonly server: DestinationId; readonly service: ServiceId }): string =>
  `${formatEndpoint(server)} of ${formatServiceId(service)}`;

const sorry = ({ sorryServer }: { readonly sorryServer: DestinationId | undefined }, verb: string): string =>
  sorryServer === undefined ? "" : `; its sorry server ${formatEndpoint(sorryServer)} ${verb}`;
