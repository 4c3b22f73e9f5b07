// What an ETag is made of: the settings of a thing, and nothing that changes by itself. Who changes it may say which one was read
// (If-Match): if it is another by then, nothing is changed.

import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { Destination, Service } from "#model/director.js";
import type { SysctlName } from "#model/sysctls.js";
import { isSetTo } from "#model/sysctls.js";
import type { RunningConfiguration } from "./operations.js";
import { ApiError } from "./problems.js";
import { destinationInput, serviceInput } from "./encode.js";

type ServiceSettings = Service & { readonly destinations: readonly Destination[] };

export const destinationTag = (destination: Destination): string => tagOf(destinationInput(destination));
export const serviceTag = (service: ServiceSettings): string => tagOf(settingsOf(service));
export const servicesTag = (services: readonly ServiceSettings[]): string => tagOf(services.map(settingsOf));
export const configurationTag = ({ services, timeouts, sysctls, markRules, syncDaemons }: RunningConfiguration): string =>
  tagOf([services.map(settingsOf), timeouts, Object.entries(sysctls).map(([name, value]) => steady(name as SysctlName, value)), markRules, syncDaemons]);

const settingsOf = (service: ServiceSettings): unknown => [serviceInput(service), service.destinations.map(destinationInput)];

/** Of a defence's two automatic modes the director itself chooses. */
const steady = (name: SysctlName, value: number | readonly [number, number]) => (isSetTo(name, 1, value) ? 1 : value);

function tagOf(value: unknown): string {
  return `"${createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 22)}"`;
}

/** Throws CHANGED. RFC 9110 section 13.1.1: one of the tags is the thing's, or "*". */
export function checkUnchanged(context: Context, tag: () => string): void {
  const wanted = context.req.header("if-match");
  if (wanted === undefined || wanted.trim() === "*") return;
  const found = tag();
  if (wanted.split(",").some((one) => one.trim() === found)) return;
  throw new ApiError("CHANGED", `Cannot change it: it is no longer the one that If-Match names; read it again, it is ${found} now`);
}
