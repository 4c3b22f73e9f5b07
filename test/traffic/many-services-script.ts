// A program of its own, for many-services.test.ts, in the director's namespace: makes 10,000 services of ten servers each of a weir.yaml beside
// those that there are, changes single ones of them, and takes them away again. Prints the milliseconds that each took, as JSON.

import { StoreDirector } from "#control/director.js";
import { KernelStore } from "#control/kernel-store.js";
import { parseConfig } from "#model/config.js";
import { diffServices } from "#model/diff.js";
import type { Operation } from "#model/director.js";
import { SERVERS, SERVICES, manyServicesYaml } from "./many-services.js";

const TIMES = 9;

const director = new StoreDirector(KernelStore.find()!);
const took: Record<string, number> = {};
const text = manyServicesYaml();
const { services } = timed("read", () => parseConfig(text, { file: "weir.yaml" }));
const standing = director.services();
const first = services[SERVICES / 2]!;
const server = first.destinations[0]!;
const added = { ...first, id: { ...first.id, port: 8080 } as typeof first.id };

timed("first", () => director.apply(diffServices([], services)));
const listed = timed("list", () => director.services());
if (listed.length !== standing.length + SERVICES || listed.reduce((sum, one) => sum + one.destinations.length, 0) < SERVICES * SERVERS) throw new Error("some are missing");
timed("same", () => diffServices(director.services(), [...standing, ...services]));
middle("weight", (i) => [{ kind: "editDestination", service: first.id, destination: { ...server, weight: 2 + i } }]);
middle("add", (i) => serviceWithServers(i));
middle("delete", (i) => [{ kind: "deleteService", service: { id: idAt(i) } }]);
timed("away", () => director.apply(services.map(({ id }): Operation => ({ kind: "deleteService", service: { id } }))));
console.log(JSON.stringify(took));

function idAt(i: number): typeof added.id {
  return { ...added.id, port: 9000 + i } as typeof added.id;
}

function serviceWithServers(i: number): Operation[] {
  return [{ kind: "addService", service: { ...added, id: idAt(i) } }, ...first.destinations.map((destination): Operation => ({ kind: "addDestination", service: idAt(i), destination }))];
}

function timed<T>(name: string, use: () => T): T {
  const begun = performance.now();
  const result = use();
  took[name] = Math.round((performance.now() - begun) * 10) / 10;
  return result;
}

/** Of several, the one in the middle. */
function middle(name: string, operations: (i: number) => readonly Operation[]): void {
  const all = Array.from({ length: TIMES }, (_, i) => {
    const begun = performance.now();
    director.apply(operations(i));
    return performance.now() - begun;
  });
  took[name] = Math.round(all.sort((a, b) => a - b)[TIMES >> 1]! * 10) / 10;
}
