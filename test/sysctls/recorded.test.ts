// net.ipv4.vs as the real IPVS has it: recordings/sysctls.txt. The names and the values that a director starts with, and
// of each what may be written to it.
//
//   drop_entry <- '4': refused -> 0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SysctlName } from "#model/sysctls.js";
import { SYSCTL_NAMES, defaultSysctls, formatSysctl, sysctlNamed, sysctlValue } from "#model/sysctls.js";
import { section } from "../packets/recording.js";

/** Of the machine of the recording, so that sync_qlen_max is the same. */
const PAGES = 23231 * 32;

test("a new director lists the names and values of the real IPVS", () => {
  const values = defaultSysctls(PAGES);
  assert.deepEqual(SYSCTL_NAMES.map((name) => formatSysctl(name, values[name])), section("sysctls.txt", "sysctl net.ipv4.vs"));
});

for (const name of SYSCTL_NAMES) {
  test(`${name} takes what the real one takes, and keeps it as that does`, () => {
    const writes = section("sysctls.txt", "name <-").filter((line) => line.startsWith(`${name} <- `));
    assert.ok(writes.length > 10);
    for (const line of writes) {
      const [, written = "", outcome, after = ""] = /<- '(.*)': (ok|refused) -> (.*)$/.exec(line)!;
      const value = sysctlValue(sysctlNamed(name), written);
      if (value === undefined) assert.ok(outcome === "refused" || isRefusedHere(name, written), line);
      else assert.deepEqual([outcome, formatSysctl(name, value)], ["ok", `net.ipv4.vs.${name} = ${settled(name, written) ?? after}`]);
    }
  });
}

/** The kernel takes the first of two numbers and forgets the other, keeps the second of sync_threshold when there is one, and has conntrack. */
function isRefusedHere(name: SysctlName, written: string): boolean {
  return (written.includes(" ") && name !== "sync_threshold") || (!written.includes(" ") && name === "sync_threshold") || name === "conntrack";
}

/** A defence's mode 2 was 1 again by the time that it was read: there was room. */
function settled(name: SysctlName, written: string): number | undefined {
  return ["drop_entry", "drop_packet", "secure_tcp"].includes(name) && Number(written) === 2 ? 2 : undefined;
}
