// What happens to a director that somebody may want to know at once. control/event-hub.ts keeps the last of them and tells them on.

import type { DestinationId, ServiceId } from "./director.js";

export type DirectorEvent =
  /** The configuration is another: by whom, and in the words of `weir apply`. "other": ipvsadm, or whoever writes to the same director. */
  | { readonly kind: "configuration"; readonly by: "api" | "file" | "health" | "other"; readonly changes: readonly string[] }
  /** A server became healthy, or is so no longer; `reason`: what its check said. Of services that are one group, `service` is the first. */
  | { readonly kind: "server"; readonly service: ServiceId; readonly group?: string; readonly server: DestinationId; readonly healthy: boolean; readonly reason: string }
  /** A check gave a server another weight. */
  | { readonly kind: "weight"; readonly service: ServiceId; readonly group?: string; readonly server: DestinationId; readonly before: number; readonly weight: number; readonly reason: string }
  /** A service has enough healthy servers again, or no longer. */
  | { readonly kind: "quorum"; readonly service: ServiceId; readonly group?: string; readonly held: boolean };

export interface NumberedEvent {
  /** Of one hub, from 1, without gaps. */
  readonly number: number;
  readonly at: Date;
  readonly event: DirectorEvent;
}
