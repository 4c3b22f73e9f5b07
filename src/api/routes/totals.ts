// What all services counted together: ipvsadm -L --stats, --rate; -Z.

import { encodeTotals } from "../encode.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Totals } from "../schemas/counters.js";

export function addTotalRoutes(routes: Routes, operations: Operations): void {
  routes.add({ method: "get", path: "/v1/totals", id: "totals.get", summary: "Counters and rates of all services together", answer: Totals }, () => encodeTotals(operations.totals()));
  routes.add({ method: "post", path: "/v1/zero", id: "totals.zero", summary: "Begin all counters anew" }, () => operations.change((changes) => changes.zero()));
}
