// Whether enough of a service's servers are healthy. No clock and no I/O.
// keepalived 2.2.7 keepalived/check/ipwrapper.c, update_quorum_state().

import type { ServiceHealth } from "#model/health.js";

export interface QuorumVerdict {
  readonly isUp: boolean;
  /** What decided: the sum has to be so much, to win the quorum or to keep it. */
  readonly threshold: number;
}

/** `sum`: of the weights of healthy servers. With no weight at all it is lost, whatever the hysteresis. */
export function judgeQuorum({ weight, hysteresis }: ServiceHealth["quorum"], wasUp: boolean, sum: number): QuorumVerdict {
  const threshold = weight + (wasUp ? -hysteresis : hysteresis);
  return { isUp: sum >= threshold && (sum > 0 || !wasUp), threshold };
}
