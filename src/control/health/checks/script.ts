// MISC_CHECK: a program ends with status 0, or sets the weight by its status. keepalived 2.2.7 keepalived/check/check_misc.c,
// misc_check_child_thread().

import type { ScriptProbe } from "#model/health.js";
import { CheckFailure, failureOf } from "../attempt.js";
import type { ProgramEnd } from "../program.js";
import { runProgram } from "../program.js";
import type { Target } from "../target.js";
import type { Verdict } from "../verdict.js";
import { healthy } from "../verdict.js";

/** misc_dynamic: status 2 sets the weight 0, and so on. */
const WEIGHT_STATUS_MIN = 2;

export async function probe({ command, setsWeight, user }: ScriptProbe, _target: Target, signal: AbortSignal): Promise<Verdict> {
  const { status, killedBy, output } = await run(command, user, signal);
  const said = output === "" ? "" : `: ${output.split("\n")[0]}`;
  const detail = `${command[0]} ended ${killedBy === undefined ? `with status ${status}` : `by ${killedBy}`}${said}`;
  if (status === 0) return healthy(detail);
  if (setsWeight && status !== undefined && status >= WEIGHT_STATUS_MIN) return { ...healthy(detail), weight: status - WEIGHT_STATUS_MIN };
  throw new CheckFailure(detail);
}

async function run(command: readonly string[], user: string | undefined, signal: AbortSignal): Promise<ProgramEnd> {
  try {
    return await runProgram(command, { signal, user });
  } catch (error) {
    throw failureOf(`run ${command[0]}`, error);
  }
}
