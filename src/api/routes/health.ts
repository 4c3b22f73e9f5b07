// The health of servers.

import { encodeHealth } from "../encode.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Health } from "../schemas/health.js";

export function addHealthRoutes(routes: Routes, operations: Operations): void {
  routes.add({ method: "get", path: "/v1/health", id: "health.get", summary: "Each server with what its checks last said, each service with its quorum", answer: Health }, () => encodeHealth(operations.health));
}
