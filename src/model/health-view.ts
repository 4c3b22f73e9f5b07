// What is known about the health of servers at this moment, for who wants to look: weir status, the API. The engine of checks has it.

import type { DestinationId, ServiceId } from "./director.js";

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
  /** One without checks always is. */
  readonly healthy: boolean;
  readonly checks: readonly CheckView[];
}

export interface QuorumView {
  readonly service: ServiceId;
  readonly held: boolean;
  /** Of its healthy servers together, and what the quorum asks for. */
  readonly weight: number;
  readonly needed: number;
  /** Whether the sorry server stands in; undefined: there is none. */
  readonly sorry: boolean | undefined;
}

export interface HealthView {
  servers(): readonly ServerView[];
  quorums(): readonly QuorumView[];
}
