// The rules by which the kernel chooses a routing table (ip-rule(8)), in the order in which it goes through them.

import { runCommand } from "./command.js";
import type { Family } from "./network.js";

export interface PolicyRule {
  readonly preference: number;
  /** The interface that a packet came in by. */
  readonly interface: string | undefined;
  readonly mark: number | undefined;
  /** "local", "main", "100"; undefined where another action stands in its place. */
  readonly table: string | undefined;
  /** Goes on at the first rule of that preference. */
  readonly goto: number | undefined;
  /** Does nothing: others go to it. */
  readonly nop: boolean;
  /** It looks at something that is not named here, or is for packets that do not agree. */
  readonly special: boolean;
}

// What `ip -j rule` prints: of flags, the key alone.
interface IpRuleJson {
  readonly priority: number; readonly src: string; readonly iif?: string; readonly fwmark?: string; readonly table?: string; readonly goto?: number | string; readonly nop?: null;
}
/** With "protocol" and "iif_detached", which nothing is chosen by. */
const KNOWN = ["priority", "src", "iif", "iif_detached", "fwmark", "table", "goto", "nop", "protocol"];

export function policyRules(family: Family): PolicyRule[] {
  const output = runCommand("ip", [`-${family}`, "-j", "rule", "show"], { attempted: `list the routing rules of IPv${family}` });
  return (JSON.parse(output) as IpRuleJson[]).map((rule) => ({
    preference: rule.priority, interface: rule.iif, mark: rule.fwmark === undefined ? undefined : Number(rule.fwmark), table: rule.table,
    goto: rule.goto === undefined ? undefined : Number(rule.goto), nop: "nop" in rule,
    special: rule.src !== "all" || Object.keys(rule).some((key) => !KNOWN.includes(key)),
  }));
}

/** Runs lines of `ip`, one after the other; the first that fails ends it. */
export function runIp(lines: readonly string[], attempted: string, family: Family = 4): void {
  if (lines.length > 0) runCommand("ip", [`-${family}`, "-batch", "-"], { attempted, input: lines.map((line) => `${line}\n`).join("") });
}
