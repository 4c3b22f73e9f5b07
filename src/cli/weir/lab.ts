// weir lab: the three methods at work, with real packets, or, where no kernel may be used, on the user-space machine.

import { runLab } from "#lab/lab.js";
import { simulateDistribution, simulateWalk } from "#lab/simulate.js";

export type Method = "nat" | "dr" | "tun";

export interface LabSwitches {
  readonly measure: boolean;
  readonly simulate: boolean;
}

/** No method named: all of them. */
export async function lab(methods: readonly Method[], switches: LabSwitches): Promise<void> {
  process.exitCode = await runLab({ ...switches, simulateWalk, simulateDistribution, ...(methods.length === 0 ? {} : { methods }) });
}
