// The data plane as the control layer sees it: weir's programs on the interfaces of this network namespace.

import type { InterfaceSelection } from "#model/config.js";
import type { VerdictCounts } from "./verdicts.js";

export type Hook = "tc" | "xdp" | "generic";

export interface Attachment {
  readonly interface: string;
  readonly hook: Hook;
  /** Why this hook: "veth: XDP would break up super-packets". */
  readonly reason: string;
}

export interface AttachmentChange extends Attachment {
  readonly change: "attached" | "moved" | "kept" | "detached";
}

export interface ConnectionTableStatus {
  readonly family: "IPv4" | "IPv6";
  readonly entriesUsed: number;
  readonly entriesMax: number;
}

/** The way back for packets that netfilter marks. */
export interface MarkStatus {
  /** Into which they are routed. */
  readonly device: string;
  readonly marks: readonly number[];
  /** Why they may not come, and what would help. */
  readonly trouble: string | undefined;
}

export interface DataPlaneStatus {
  readonly attachments: readonly Attachment[];
  /** One of each family. */
  readonly connectionTables: readonly ConnectionTableStatus[];
  /** Undefined where there are no services by mark. */
  readonly marks?: MarkStatus | undefined;
  /** The interfaces at whose egress packets of the director's own are met (dataplane/out.ts); none where no service needs it. */
  readonly egress?: readonly string[];
  /** Packets that were not forwarded, by what became of them (docs/verdicts.md); those that never happened are left out. */
  readonly verdicts: VerdictCounts;
  /** Where maps, programs and links are pinned. */
  readonly stateDirectory: string;
}

export interface DataPlane {
  /** Attaches to exactly these interfaces, detaches from all others. Changes nothing when it throws. `coming`: addresses that the director is about to get. */
  attach(interfaces: readonly InterfaceSelection[], coming?: readonly string[]): Promise<readonly AttachmentChange[]>;
  /** Detaches from all interfaces and forgets all state: services, connections, counters. */
  detach(): Promise<readonly Attachment[]>;
  status(): DataPlaneStatus;
}
