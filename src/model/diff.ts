// The smallest list of changes that makes one list of services into another. What is the same on both sides is not
// touched, so its connections and counters live on.

import type { Destination, Service, ServiceId, ServiceWithDestinations } from "./director.js";
import { formatEndpoint, formatServiceId } from "./names.js";

/** A director's operation, with what was there before. */
export type Change =
  | { readonly kind: "addService"; readonly service: Service }
  | { readonly kind: "editService"; readonly service: Service; readonly before: Service }
  | { readonly kind: "deleteService"; readonly service: Service }
  | { readonly kind: "addDestination"; readonly service: ServiceId; readonly destination: Destination }
  | { readonly kind: "editDestination"; readonly service: ServiceId; readonly destination: Destination; readonly before: Destination }
  | { readonly kind: "deleteDestination"; readonly service: ServiceId; readonly destination: Destination };

/**
 * In the order of `wanted`. What comes is added before what goes is taken away: a service never stands without a
 * destination in between, and a packet never falls between an old service and the new one that covers it.
 */
export function diffServices(current: readonly ServiceWithDestinations[], wanted: readonly ServiceWithDestinations[]): Change[] {
  const currentByName = new Map(current.map((service) => [formatServiceId(service.id), service]));
  const wantedNames = new Set(wanted.map((service) => formatServiceId(service.id)));
  return [
    ...wanted.flatMap((service) => diffService(currentByName.get(formatServiceId(service.id)), service)),
    ...current.filter((service) => !wantedNames.has(formatServiceId(service.id))).map((service): Change => ({ kind: "deleteService", service })),
  ];
}

function diffService(current: ServiceWithDestinations | undefined, wanted: ServiceWithDestinations): Change[] {
  const service = wanted.id;
  if (current === undefined) {
    return [
      { kind: "addService", service: wanted },
      ...wanted.destinations.map((destination): Change => ({ kind: "addDestination", service, destination })),
    ];
  }
  const edit: Change[] = sameService(current, wanted) ? [] : [{ kind: "editService", service: wanted, before: current }];
  return [...edit, ...diffDestinations(service, current.destinations, wanted.destinations)];
}

function diffDestinations(service: ServiceId, current: readonly Destination[], wanted: readonly Destination[]): Change[] {
  const currentByName = new Map(current.map((destination) => [formatEndpoint(destination), destination]));
  const wantedNames = new Set(wanted.map(formatEndpoint));
  const kept = wanted.flatMap((destination): Change[] => {
    const before = currentByName.get(formatEndpoint(destination));
    if (before === undefined) return [{ kind: "addDestination", service, destination }];
    return sameDestination(before, destination) ? [] : [{ kind: "editDestination", service, destination, before }];
  });
  const gone = current.filter((destination) => !wantedNames.has(formatEndpoint(destination)));
  return [...kept, ...gone.map((destination): Change => ({ kind: "deleteDestination", service, destination }))];
}

function sameService(a: Service, b: Service): boolean {
  return a.scheduler === b.scheduler && a.schedulerFlags === b.schedulerFlags && a.persistentSeconds === b.persistentSeconds
    && a.netmask === b.netmask && a.persistenceEngine === b.persistenceEngine && a.onePacket === b.onePacket;
}

function sameDestination(current: Destination, wanted: Destination): boolean {
  const sameTunnel = wanted.forward !== "tunnel"
    || (current.tunnelType === wanted.tunnelType && current.tunnelPort === wanted.tunnelPort && current.tunnelChecksum === wanted.tunnelChecksum);
  return current.forward === wanted.forward && sameTunnel && current.weight === wanted.weight
    && current.upperThreshold === wanted.upperThreshold && current.lowerThreshold === wanted.lowerThreshold;
}
