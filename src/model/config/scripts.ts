// Who runs the programs of a configuration: where one names nobody, `scriptUser` does.

import type { ConfiguredService } from "../config.js";
import type { Check, Command, Notification } from "../health.js";

/** Undefined: nobody is named; who runs weir runs them. */
export function runBy(user: string | undefined, service: ConfiguredService): ConfiguredService {
  if (user === undefined) return service;
  const command = (one: Command | undefined): Command | undefined => one && { ...one, user: one.user ?? user };
  const notification = ({ up, down }: Notification): Notification => ({ up: command(up), down: command(down) });
  const check = (one: Check): Check => (one.type === "script" ? { ...one, user: one.user ?? user } : one);
  const { quorum } = service.health;
  return {
    ...service,
    health: { ...service.health, quorum: { ...quorum, notify: notification(quorum.notify) } },
    destinations: service.destinations.map(({ health, ...destination }) => ({ ...destination, health: { ...health, checks: health.checks.map(check), notify: notification(health.notify) } })),
  };
}
