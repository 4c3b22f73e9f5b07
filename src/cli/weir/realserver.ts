// weir realserver up|down|status: the real server's side, in the network namespace this runs in.

import { readAddress } from "#model/config/address.js";
import { withCommandLock } from "#control/command-lock.js";
import type { RealServerMethod, RealServerParts, RealServerPlan } from "#control/realserver.js";
import { realServerDown, realServerStatus, realServerUp } from "#control/realserver.js";
import { readMachine, wakeIpipDevice } from "#control/realserver-machine.js";
import { findRealServerState } from "#control/realserver-state.js";
import { UsageError } from "./errors.js";
import { openRealServerParts } from "./parts.js";

export interface RealServerOptions {
  readonly vip: readonly string[];
  readonly method: RealServerMethod;
  readonly device?: string;
  readonly gateway?: string;
}

export async function realServerUpCommand(options: RealServerOptions): Promise<void> {
  const plan = readPlan(options);
  const { parts, changes } = openCounted();
  if (plan.method === "tun") wakeIpipDevice();
  await withCommandLock(() => realServerUp(plan, readMachine(), parts));
  console.log(changes() === 0 ? `nothing to change; ${ready(plan)}` : ready(plan));
}

export async function realServerDownCommand(): Promise<void> {
  const { parts, changes } = openCounted();
  await withCommandLock(async () => {
    await realServerDown(parts);
    findRealServerState()?.remove();
  });
  console.log(changes() === 0 ? "nothing to take back" : "taken back what weir realserver up had changed");
}

export async function realServerStatusCommand(): Promise<void> {
  const { parts } = openCounted();
  const status = realServerStatus(parts);
  if (status === undefined) return console.log("weir realserver up has not been run here");
  console.log(ready(status.plan));
  for (const { line, holds } of status.settings) console.log(`  ${line}${holds ? "" : "  — changed since; run weir realserver up again"}`);
}

function readPlan({ vip, method, device, gateway }: RealServerOptions): RealServerPlan {
  if (gateway !== undefined && method !== "nat") {
    throw new UsageError(`--gateway is for --method nat; by ${method} the real server keeps its own gateway`);
  }
  return {
    method, device, vips: vip.map((text) => readOption("--vip", text)),
    gateway: gateway === undefined ? undefined : readOption("--gateway", gateway),
  };
}

function readOption(option: string, text: string): string {
  const address = readAddress(text);
  if (address === undefined) throw new UsageError(`${option} "${text}" is not an address; give one such as 10.0.0.100`);
  return address.address;
}

function ready({ method, vips }: RealServerPlan): string {
  return `real server for ${vips.join(", ")} by ${method}`;
}

function openCounted(): { readonly parts: RealServerParts; readonly changes: () => number } {
  let count = 0;
  const parts = openRealServerParts((line) => { count++; console.log(line); });
  return { parts, changes: () => count };
}
