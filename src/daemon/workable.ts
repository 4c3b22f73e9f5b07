// What no check could ever do on this machine is said before anything is changed.

import { identityOf } from "#control/health/program.js";
import { RECORD_TYPES } from "#control/health/checks/dns.js";
import type { ConfiguredService } from "#model/config.js";
import type { Check } from "#model/health.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import { DaemonError } from "./errors.js";

/** Throws DaemonError with every such check. `isRoot`: whether marks, interfaces and users are in this process's power. */
export function refuseUnworkable(services: readonly ConfiguredService[], isRoot: boolean): void {
  const reasons = services.flatMap((service) => service.destinations.flatMap((destination) => destination.health.checks.flatMap((check) => {
    const reason = whyNot(check, isRoot);
    return reason === undefined ? [] : [`the ${check.type} check of ${formatEndpoint(destination)} in ${formatServiceId(service.id)} cannot work: ${reason}`];
  })));
  const [first, ...others] = [...new Set(reasons)];
  if (first !== undefined) throw new DaemonError("CHECK", others.length === 0 ? `Cannot watch the servers: ${first}` : ["Cannot watch the servers:", first, ...others].join("\n"));
}

function whyNot(check: Check, isRoot: boolean): string | undefined {
  if (!isRoot && (check.mark !== undefined || check.sourceInterface !== undefined)) return "marks and interfaces are for root";
  if (check.type === "dns" && RECORD_TYPES[check.recordType.toUpperCase()] === undefined) {
    return `there is no type ${check.recordType} of records; known are ${Object.keys(RECORD_TYPES).join(", ")}`;
  }
  if (check.type === "script" && check.user !== undefined) return isRoot ? unknownUser(check.user) : "to run it as another user is for root";
  return undefined;
}

function unknownUser(user: string): string | undefined {
  try {
    identityOf(user);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
