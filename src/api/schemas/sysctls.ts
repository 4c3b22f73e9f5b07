// The sysctls of net.ipv4.vs (docs/sysctls.md).

import { z } from "zod";
import type { SysctlName } from "#model/sysctls.js";
import { SYSCTLS, SYSCTL_NAMES, sysctlValue } from "#model/sysctls.js";

const number = z.int();
const pair = z.tuple([z.int(), z.int()]);

/** sync_threshold has two numbers, all others one. */
const value = (name: SysctlName): z.ZodType => (name === "sync_threshold" ? pair : number);
const expected = (name: SysctlName) => `${SYSCTLS[name].expected}${name === "sync_threshold" ? ", as a list" : ""}`;
const wanted = (name: SysctlName) => value(name).refine((given) => sysctlValue(name, given) !== undefined).optional().describe(expected(name));

type Values = { readonly [name in SysctlName]: name extends "sync_threshold" ? typeof pair : typeof number };
type Wishes = { readonly [name in SysctlName]: z.ZodOptional<Values[name]> };

export const Sysctls = z.strictObject(Object.fromEntries(SYSCTL_NAMES.map((name) => [name, value(name).describe(SYSCTLS[name].meaning)])) as unknown as Values)
  .meta({ id: "Sysctls" });
/** What is left out stays. */
export const SysctlsPatch = z.strictObject(Object.fromEntries(SYSCTL_NAMES.map((name) => [name, wanted(name)])) as unknown as Wishes).meta({ id: "SysctlsPatch" });

export type Sysctls = z.infer<typeof Sysctls>;
export type SysctlsPatch = z.infer<typeof SysctlsPatch>;
