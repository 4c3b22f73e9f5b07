// One service of many, one destination of a service's.

import type { DestinationId, DestinationState, Director, ServiceId, ServiceState } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";

/** Throws NO_SUCH_SERVICE; `verb`: what was attempted. */
export function findService(director: Pick<Director, "service">, id: ServiceId, verb: string): ServiceState {
  const found = director.service(id);
  if (found === undefined) throw new DirectorError("NO_SUCH_SERVICE", `Cannot ${verb} ${formatServiceId(id)}: there is no such service`);
  return found;
}

/** Throws NO_SUCH_DESTINATION. */
export function findDestination({ id, destinations }: ServiceState, { address, port }: DestinationId, verb: string): DestinationState {
  const found = destinations.find((destination) => destination.address === address && destination.port === port);
  if (found === undefined) throw new DirectorError("NO_SUCH_DESTINATION", `Cannot ${verb} ${formatEndpoint({ address, port })} of ${formatServiceId(id)}: there is no such destination`);
  return found;
}
