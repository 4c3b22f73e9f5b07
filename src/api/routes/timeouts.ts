// Timeouts: ipvsadm -L --timeout, --set.

import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Timeouts, TimeoutsPatch } from "../schemas/timeouts.js";

export function addTimeoutRoutes(routes: Routes, operations: Operations): void {
  routes.add({ method: "get", path: "/v1/timeouts", id: "timeouts.get", summary: "After how long without packets connections end", answer: Timeouts }, () => ({ ...operations.timeouts() }));
  routes.add({
    method: "patch", path: "/v1/timeouts", id: "timeouts.set", summary: "Change timeouts; what is left out stays", body: TimeoutsPatch, answer: Timeouts,
  }, ({ body: { tcp = 0, tcpFin = 0, udp = 0 } }) => operations.change((changes) => {
    changes.setTimeouts({ tcp, tcpFin, udp });
    return { ...operations.timeouts() };
  }));
}
