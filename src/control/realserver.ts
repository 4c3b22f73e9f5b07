// The real server's side of LVS: what a server needs so that it may answer for a VIP. The main path of `weir realserver
// up`: look at the machine, decide what is wanted, bring it about, write down what was changed.
//
//   dr   VIP hidden on the loopback, no ARP answers for it
//   tun  the same, and packets are taken out of their tunnel
//   nat  nothing but the way back: the director is the gateway

import type { Address } from "#model/director.js";
import { ControlError } from "./errors.js";
import type { Machine } from "./realserver-machine.js";
import { checkPlan, planSettings } from "./realserver-plan.js";
import type { RecordFile } from "./record.js";
import { bringSettings, takeBack } from "./settings/bring.js";
import type { Applied, Host } from "./settings/setting.js";

export const REAL_SERVER_METHODS = ["dr", "tun", "nat"] as const;
export type RealServerMethod = (typeof REAL_SERVER_METHODS)[number];

export interface RealServerPlan {
  readonly method: RealServerMethod;
  readonly vips: readonly Address[];
  /** Where the VIPs are hidden; undefined: on lo, or on the device that takes packets out of tunnels. */
  readonly device: string | undefined;
  /** The director's address, for nat. */
  readonly gateway: Address | undefined;
}

export interface RealServerRecord {
  readonly plan: RealServerPlan;
  readonly applied: readonly Applied[];
}

export interface RealServerParts {
  readonly host: Host;
  readonly record: RecordFile<RealServerRecord>;
  readonly report: (line: string) => void;
}

/** Throws REAL_SERVER, with every reason, before anything is changed; a failure half-way is taken back. */
export async function realServerUp(plan: RealServerPlan, machine: Machine, { host, record, report }: RealServerParts): Promise<void> {
  const problems = checkPlan(plan, machine);
  if (problems.length > 0) {
    throw new ControlError("REAL_SERVER", problems.map((problem) => `Cannot prepare this real server: ${problem}`).join("\n"));
  }

  const before = record.read();
  try {
    await bringSettings(planSettings(plan, machine), {
      host, applied: before?.applied ?? [], save: (applied) => record.write({ plan, applied }), report,
    });
  } catch (error) {
    if (before === undefined) record.remove();
    else record.write(before);
    throw error;
  }
}

/** Takes back exactly what `up` changed. */
export async function realServerDown({ host, record, report }: RealServerParts): Promise<void> {
  const before = record.read();
  if (before === undefined) return;
  const { plan, applied } = before;
  await takeBack(applied, { host, applied, save: (left) => record.write({ plan, applied: left }), report });
  record.remove();
}

export interface RealServerStatus {
  readonly plan: RealServerPlan;
  readonly settings: readonly { readonly line: string; readonly holds: boolean }[];
}

/** What `up` changed and whether it still stands so; undefined when there was no `up`. */
export function realServerStatus({ host, record }: Omit<RealServerParts, "report">): RealServerStatus | undefined {
  const found = record.read();
  if (found === undefined) return undefined;
  const settings = found.applied.map(({ setting, value }) => ({ line: host.describe(setting, value), holds: host.read(setting) === value }));
  return { plan: found.plan, settings };
}
