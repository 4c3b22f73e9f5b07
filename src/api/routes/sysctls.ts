// The sysctls of net.ipv4.vs: weir sysctl.

import type { Sysctls as ModelSysctls } from "#model/sysctls.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Sysctls, SysctlsPatch } from "../schemas/sysctls.js";

export function addSysctlRoutes(routes: Routes, operations: Operations): void {
  routes.add({ method: "get", path: "/v1/sysctls", id: "sysctls.get", summary: "All sysctls of net.ipv4.vs", answer: Sysctls }, () => encode(operations.sysctls()));
  routes.add({
    method: "patch", path: "/v1/sysctls", id: "sysctls.set", summary: "Set those that are named, all at once", body: SysctlsPatch, answer: Sysctls,
  }, ({ body }) => operations.change((changes) => {
    changes.setSysctls(body as Partial<ModelSysctls>);
    return encode(operations.sysctls());
  }));
}

const encode = (sysctls: ModelSysctls): Sysctls => ({ ...sysctls, sync_threshold: [...sysctls.sync_threshold] });
