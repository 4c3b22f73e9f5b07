// The text of /proc/net/ip_vs and its siblings: weir proc.

import { z } from "zod";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { oneOf } from "../schemas/fields.js";
import { linesOf } from "../stream.js";

export const PROC_NAMES = ["ip_vs", "ip_vs_app", "ip_vs_conn", "ip_vs_conn_sync", "ip_vs_stats", "ip_vs_stats_percpu"] as const;

export function addProcRoutes(routes: Routes, operations: Operations): void {
  routes.add({
    method: "get", path: "/v1/proc/{name}", id: "proc.get", summary: "What a file of /proc/net prints where the kernel's IPVS runs, to the byte",
    params: { name: oneOf(PROC_NAMES) }, media: { "text/plain": z.string() },
  }, ({ params }) => linesOf(operations.proc(params.name), "text/plain; charset=utf-8"));
}
