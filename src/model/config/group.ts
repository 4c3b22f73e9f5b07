// Services that are watched as one (`group`): what all of them must have alike. Each check is made once, of the first one's server, so
// whatever it finds has to be true of the server in that place of every other.

import { isDeepStrictEqual } from "node:util";
import type { ConfigPath } from "./error.js";
import { show } from "./fields.js";
import type { IssueList } from "./source.js";
import type { ConfiguredDestination, ConfiguredService } from "../config.js";
import { checkWithoutPort } from "./health.js";

/** Services as the list has them; undefined ones have had their own message. */
export function checkGroups(services: readonly (ConfiguredService | undefined)[], issues: IssueList): void {
  const firsts = new Map<string, { readonly first: ConfiguredService; readonly at: number }>();
  for (const [i, service] of services.entries()) {
    const group = service?.health.group;
    if (service === undefined || group === undefined) continue;
    const before = firsts.get(group);
    if (before === undefined) firsts.set(group, { first: service, at: i });
    else checkMember(service, before.first, ["services", i], `services[${before.at}]`, issues);
  }
}

function checkMember(service: ConfiguredService, first: ConfiguredService, path: ConfigPath, firstName: string, issues: IssueList): void {
  const group = `group ${show(service.health.group)}`;
  const { quorum, sorryServer, sorryServerQuiesced } = service.health;
  if (!isDeepStrictEqual(quorum, first.health.quorum)) issues.add([...path, "quorum"], `is another than that of ${firstName}, which is of ${group} too; write the same`);
  if ((sorryServer === undefined) !== (first.health.sorryServer === undefined) || sorryServerQuiesced !== first.health.sorryServerQuiesced) {
    issues.add([...path, "sorryServer"], `${firstName}, which is of ${group} too, ${first.health.sorryServer === undefined ? "has none" : "has another"}; all have one, or none has`);
  }
  if (service.destinations.length !== first.destinations.length) {
    return issues.add([...path, "destinations"], `are ${service.destinations.length}, and those of ${firstName}, which is of ${group} too, are ${first.destinations.length}; list the same servers in the same order`);
  }
  for (const [i, destination] of service.destinations.entries()) {
    const mistake = difference(destination, first.destinations[i]!);
    if (mistake !== undefined) issues.add([...path, "destinations", i], `${mistake} destinations[${i}] of ${firstName}, which is of ${group} too`);
  }
}

/** Ports may be others, where no check depends on them. */
function difference(destination: ConfiguredDestination, first: ConfiguredDestination): string | undefined {
  if (destination.address !== first.address) return `is ${destination.address}, not ${first.address} as`;
  if (destination.weight !== first.weight) return `has weight ${destination.weight}, not ${first.weight} as`;
  if (!isDeepStrictEqual(destination.health, first.health)) return "has other checks, or another thing that becomes of it when they fail, than";
  if (destination.port === first.port) return undefined;
  const unclear = checkWithoutPort(destination.health);
  return unclear && `has port ${destination.port}, so that its ${unclear.type} check needs a port of its own, to be the same as that of`;
}
