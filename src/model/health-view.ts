// What is known about the health of servers at this moment, for who wants to look: weir status, the API. The engine of checks has it.

import type { DestinationId, ServiceId } from "./director.js";

/** "starting": out until its checks have succeeded, and none has failed as yet. One without checks is always up. */
export type ServerCondition = "up" | "down" | "starting";

export interface CheckView {
  /** "tcp 192.168.1.11:80", "script /usr/local/bin/probe". */
  readonly check: string;
  /** Undefined: it has not been asked yet. */
  readonly healthy: boolean | undefined;
  /** What the last answer was, or why there was none. */
  readonly verdict: string;
  /** Of the last answer. */
  readonly at: Date | undefined;
  /** In a row, of those that are forgiven too. */
  readonly failures: number;
}

export interface ServerView {
  readonly service: ServiceId;
  readonly server: DestinationId;
  readonly state: ServerCondition;
  /** Of its state; what it was in when the daemon began to watch it counts from then. */
  readonly since: Date;
  /** As configured. */
  readonly weight: number;
  /** As its health has it; undefined: it is out of the service. What an operator sets by hand is not in it. */
  readonly weightGiven: number | undefined;
  readonly checks: readonly CheckView[];
}

export interface QuorumView {
  readonly service: ServiceId;
  readonly held: boolean;
  readonly since: Date;
  /** Of its healthy servers together, and what the quorum asks for. */
  readonly weight: number;
  readonly needed: number;
  readonly sorryServer: DestinationId | undefined;
  /** Whether the sorry server stands in; undefined: there is none. */
  readonly sorry: boolean | undefined;
}

export interface HealthView {
  servers(): readonly ServerView[];
  quorums(): readonly QuorumView[];
}
