import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "./diff.js";
import { diffServices } from "./diff.js";
import type { Destination, ServiceWithDestinations } from "./director.js";
import { formatEndpoint, formatServiceId } from "./names.js";

const destination = (address: string, changes: Partial<Destination> = {}): Destination => ({
  address, port: 80, forward: "masq", weight: 1, upperThreshold: 0, lowerThreshold: 0,
  tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none", ...changes,
});
const service = (port: number, destinations: readonly Destination[], changes: Partial<ServiceWithDestinations> = {}): ServiceWithDestinations => ({
  id: { kind: "address", protocol: "tcp", address: "10.0.0.100", port }, scheduler: "wrr", schedulerFlags: 0,
  persistentSeconds: 0, netmask: "255.255.255.255", persistenceEngine: "", onePacket: false, destinations, ...changes,
});
const [r1, r2, r3] = [destination("10.1.0.1"), destination("10.1.0.2"), destination("10.1.0.3")];

const summary = (changes: readonly Change[]) => changes.map((change) => {
  const name = formatServiceId("destination" in change ? change.service : change.service.id).slice("tcp 10.0.0.100:".length);
  return "destination" in change ? `${change.kind} ${name} ${formatEndpoint(change.destination)}` : `${change.kind} ${name}`;
});

test("a list differs from itself in nothing", () => {
  assert.deepEqual(diffServices([service(80, [r1, r2])], [service(80, [r1, r2])]), []);
});

test("the order of services and destinations is no difference", () => {
  assert.deepEqual(diffServices([service(80, [r2, r1]), service(443, [])], [service(443, []), service(80, [r1, r2])]), []);
});

test("a new service comes with its destinations in the file's order", () => {
  assert.deepEqual(summary(diffServices([], [service(80, [r1, r2])])), ["addService 80", "addDestination 80 10.1.0.1:80", "addDestination 80 10.1.0.2:80"]);
});

test("a changed weight edits the destination and touches nothing else", () => {
  const changes = diffServices([service(80, [r1, r2]), service(443, [r1])], [service(80, [r1, { ...r2, weight: 5 }]), service(443, [r1])]);
  assert.deepEqual(changes, [{ kind: "editDestination", service: service(80, []).id, destination: { ...r2, weight: 5 }, before: r2 }]);
});

test("destinations are added before others go, services too", () => {
  const changes = diffServices([service(80, [r1, r2]), service(8080, [r1])], [service(80, [r2, r3]), service(443, [])]);
  assert.deepEqual(summary(changes), ["addDestination 80 10.1.0.3:80", "deleteDestination 80 10.1.0.1:80", "addService 443", "deleteService 8080"]);
});

test("each setting of a service counts as a difference", () => {
  const settings = { scheduler: "rr", schedulerFlags: 1, persistentSeconds: 60, netmask: "255.255.255.0", persistenceEngine: "sip", onePacket: true };
  for (const [key, value] of Object.entries(settings)) {
    assert.deepEqual(summary(diffServices([service(80, [r1])], [service(80, [r1], { [key]: value })])), ["editService 80"], key);
  }
});

test("each setting of a destination counts as a difference", () => {
  for (const changed of [{ forward: "route" }, { weight: 0 }, { upperThreshold: 9 }, { lowerThreshold: 9 }] as const) {
    assert.deepEqual(summary(diffServices([service(80, [r1])], [service(80, [{ ...r1, ...changed }])])), ["editDestination 80 10.1.0.1:80"]);
  }
});

test("tunnel settings are a difference only where packets are tunnelled", () => {
  const gue = { tunnelType: "gue", tunnelPort: 6080 } as const;
  const tunnel = { ...r1, forward: "tunnel" } as const;
  assert.deepEqual(diffServices([service(80, [r1])], [service(80, [{ ...r1, ...gue }])]), []);
  assert.equal(diffServices([service(80, [tunnel])], [service(80, [{ ...tunnel, ...gue }])]).length, 1);
});
