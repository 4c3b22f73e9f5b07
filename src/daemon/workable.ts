// What no check or notification could ever do on this machine is said before anything is changed.

import { identityOf } from "#control/health/identity.js";
import { RECORD_TYPES } from "#control/health/checks/dns.js";
import type { ConfiguredService } from "#model/config.js";
import type { Check, Notification } from "#model/health.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import { DaemonError } from "./errors.js";

interface Power {
  readonly isRoot: boolean;
  /** What is wrong with those that were looked up. */
  readonly users: Map<string, string | undefined>;
}

/** Throws DaemonError with every such check and notification. `isRoot`: whether marks, interfaces and users are in this process's power. */
export function refuseUnworkable(services: readonly ConfiguredService[], isRoot: boolean): void {
  const power: Power = { isRoot, users: new Map() };
  const reasons = services.flatMap((service) => {
    const where = formatServiceId(service.id);
    return [
      ...notificationsOf(service.health.quorum.notify, `the quorum of ${where}`, power),
      ...service.destinations.flatMap(({ health, ...destination }) => [
        ...health.checks.flatMap((check) => sayWhy(`the ${check.type} check of ${formatEndpoint(destination)} in ${where}`, whyNot(check, power))),
        ...notificationsOf(health.notify, `${formatEndpoint(destination)} in ${where}`, power),
      ]),
    ];
  });
  const [first, ...others] = [...new Set(reasons)];
  if (first !== undefined) throw new DaemonError("CHECK", others.length === 0 ? `Cannot watch the servers: ${first}` : ["Cannot watch the servers:", first, ...others].join("\n"));
}

function whyNot(check: Check, power: Power): string | undefined {
  if (!power.isRoot && (check.mark !== undefined || check.sourceInterface !== undefined)) return "marks and interfaces are for root";
  if (check.type === "dns" && RECORD_TYPES[check.recordType.toUpperCase()] === undefined) {
    return `there is no type ${check.recordType} of records; known are ${Object.keys(RECORD_TYPES).join(", ")}`;
  }
  return check.type === "script" ? whyNotAs(check.user, power) : undefined;
}

function notificationsOf({ up, down }: Notification, whose: string, power: Power): readonly string[] {
  return [...sayWhy(`notifyUp of ${whose}`, whyNotAs(up?.user, power)), ...sayWhy(`notifyDown of ${whose}`, whyNotAs(down?.user, power))];
}

const sayWhy = (what: string, reason: string | undefined): readonly string[] => (reason === undefined ? [] : [`${what} cannot work: ${reason}`]);

function whyNotAs(user: string | undefined, { isRoot, users }: Power): string | undefined {
  if (user === undefined) return undefined;
  if (!isRoot) return "to run it as another user is for root";
  if (!users.has(user)) users.set(user, unknownUser(user));
  return users.get(user);
}

function unknownUser(user: string): string | undefined {
  try {
    identityOf(user);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
