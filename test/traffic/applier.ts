// A program of its own, for apply-steps.test.ts: a process in the director's namespace that plans and applies one configuration after the
// other as `weir apply` does, under the lock. It may be told that the host fails at the end, when the services are changed already.

import { applyConfiguration } from "#control/apply.js";
import type { DirectorParts, DirectorRecord } from "#control/apply.js";
import { withCommandLock } from "#control/command-lock.js";
import { StoreDirector } from "#control/director.js";
import { KernelPlane, usableInterfaces } from "#control/kernel-plane.js";
import { KernelStore } from "#control/kernel-store.js";
import { planConfiguration } from "#control/plan.js";
import { openRecord } from "#control/record.js";
import type { Plan } from "#control/plan.js";
import { parseConfig } from "#model/config.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";

export interface ApplyStep {
  readonly configuration: object;
  readonly fails: boolean;
}

export interface ApplyOutcome {
  readonly leaving: Plan["leaving"];
  readonly changes: number;
  readonly error: string | undefined;
  /** Before and after, without what was counted. */
  readonly services: readonly [before: string, after: string];
  readonly milliseconds: number;
}

const store = KernelStore.open();
const director = new StoreDirector(store);
let fails = false;
const parts: DirectorParts = {
  director, dataPlane: new KernelPlane(store), record: openRecord<DirectorRecord>(store.state.filePath("up.json")), report: () => {},
  host: {
    read: () => null,
    write: () => { if (fails) throw new Error("the host fails, as it was told to"); },
    describe: () => "",
  },
};

process.on("disconnect", () => process.exit(0));
process.on("message", (step: ApplyStep) => void carryOut(step).then((outcome) => process.send!(outcome)));
process.send!("ready");

async function carryOut({ configuration, fails: toFail }: ApplyStep): Promise<ApplyOutcome> {
  const addresses = toFail ? [{ vip: "203.0.113.200", interface: usableInterfaces()[0]!.name }] : [];
  const parsed = parseConfig(JSON.stringify({ ...configuration, addresses }), { file: "step" });
  const interfaces = usableInterfaces().map(({ name }) => ({ name, mode: "tc" as const }));
  const before = described();
  const plan = await planConfiguration(parsed, interfaces, parts, parts.host);
  fails = toFail;
  const begun = performance.now();
  let error: string | undefined;
  try {
    await withCommandLock(() => applyConfiguration(parsed, interfaces, parts));
  } catch (failure) {
    error = (failure as Error).message;
  }
  return { leaving: plan.leaving, changes: plan.changes.length, error, services: [before, described()], milliseconds: performance.now() - begun };
}

function described(): string {
  return director.services().map(({ id, scheduler, destinations }) =>
    `${formatServiceId(id)} ${scheduler}: ${destinations.map((one) => `${formatEndpoint(one)} ${one.weight}`).sort().join(", ")}`).sort().join("; ");
}
