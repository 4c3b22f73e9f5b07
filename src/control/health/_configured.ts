// For the tests of this folder: services by hand.

import type { ConfiguredDestination, ConfiguredService } from "#model/config.js";
import type { Destination } from "#model/director.js";
import type { Check, CheckTarget, CheckTiming, DestinationHealth, Probe, ServiceHealth } from "#model/health.js";

export const TIMING: CheckTiming = { every: 10, timeout: 5, retries: 0, retryDelay: 1, warmup: 0 };
export const TARGET: CheckTarget = { address: undefined, port: undefined, sourceAddress: undefined, sourcePort: undefined, sourceInterface: undefined, mark: undefined };

export function check<P extends Probe>(probe: P, settings: Partial<CheckTiming & CheckTarget> = {}): P & CheckTiming & CheckTarget {
  return { ...probe, ...TIMING, ...TARGET, ...settings };
}

export const TCP: Check = check({ type: "tcp" });

/** By NAT, at port 80. */
export function destination(address: string, weight = 1, health: Partial<DestinationHealth> = {}): ConfiguredDestination {
  return {
    address, port: 80, forward: "masq", weight, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none",
    health: { checks: [TCP], onFailure: "remove", startsDown: false, notify: { up: undefined, down: undefined }, ...health },
  };
}

export function sorryServer(address: string): Destination {
  const { health: _health, ...server } = destination(address);
  return server;
}

export function service(destinations: readonly ConfiguredDestination[], health: Partial<ServiceHealth> = {}): ConfiguredService {
  return {
    id: { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 80 }, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0,
    netmask: "255.255.255.255", persistenceEngine: "", onePacket: false, destinations,
    health: { group: undefined, quorum: { weight: 1, hysteresis: 0, notify: { up: undefined, down: undefined } }, sorryServer: undefined, sorryServerQuiesced: false, ...health },
  };
}
