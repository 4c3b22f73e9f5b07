// What a check found.

export interface Verdict {
  readonly healthy: boolean;
  /** A sentence without its stop: what was attempted, and what was found. */
  readonly detail: string;
  /** The weight that the server asks for; scripts only. */
  readonly weight?: number;
  /** The check could not be made, for want of something on this machine: nothing is known of the server. */
  readonly isUnknown?: true;
}

export const healthy = (detail: string): Verdict => ({ healthy: true, detail });
export const unhealthy = (detail: string): Verdict => ({ healthy: false, detail });
