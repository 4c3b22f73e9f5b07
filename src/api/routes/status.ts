// Who answers, and how the data plane is: weir status.

import { encodeStatus } from "../encode.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { About, Status, Verdicts } from "../schemas/status.js";

export function addStatusRoutes(routes: Routes, operations: Operations): void {
  routes.add({ method: "get", path: "/v1", id: "about.get", summary: "Who answers", answer: About }, () => ({ name: "weir" as const, version: operations.version, namespace: operations.namespace }));
  routes.add({ method: "get", path: "/v1/status", id: "status.get", summary: "Interfaces, connection tables, packets that were not forwarded", answer: Status }, () => encodeStatus(operations.status(), operations.timeouts()));
  routes.add({ method: "get", path: "/v1/verdicts", id: "verdicts.get", summary: "Packets that were not forwarded, by what became of them", answer: Verdicts }, () => ({ ...operations.status().verdicts }));
}
