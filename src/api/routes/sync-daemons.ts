// Daemons of synchronisation: ipvsadm -L --daemon, --start-daemon, --stop-daemon.

import type { SyncDaemonRequest } from "#model/director.js";
import { readAddress } from "#model/config/address.js";
import { show } from "#model/config/fields.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { oneOf } from "../schemas/fields.js";
import { ROLES, SyncDaemon, SyncDaemonInput, SyncDaemonList } from "../schemas/sync-daemon.js";

export function addSyncDaemonRoutes(routes: Routes, operations: Operations): void {
  const list = () => (operations.syncDaemons() ?? []).map((daemon) => ({ ...daemon }));
  routes.add({ method: "get", path: "/v1/sync-daemons", id: "syncDaemons.list", summary: "Daemons that synchronise connections, where there are any", answer: SyncDaemonList }, () => ({ daemons: list() }));
  routes.add({
    method: "post", path: "/v1/sync-daemons", id: "syncDaemons.start", summary: "Start a daemon", body: SyncDaemonInput, status: 201, answer: SyncDaemon,
    problems: ["DAEMON_RUNNING", "NO_DEVICE", "INVALID", "UNSUPPORTED"],
  }, ({ body, input }) => {
    const { group } = body;
    const address = group === undefined ? undefined : readAddress(group)?.address;
    if (group !== undefined && address === undefined) input.issues.add(["group"], `${show(group)} is not an address`);
    input.done();
    const daemon = Object.fromEntries(Object.entries({ ...body, group: address }).filter(([, value]) => value !== undefined)) as unknown as SyncDaemonRequest;
    return operations.change((changes) => {
      changes.startSyncDaemon(daemon);
      return list().find(({ role }) => role === body.role)!;
    });
  });
  routes.add({
    method: "delete", path: "/v1/sync-daemons/{role}", id: "syncDaemons.stop", summary: "Stop a daemon", params: { role: oneOf(ROLES) }, problems: ["NO_DAEMON", "UNSUPPORTED"],
  }, ({ params }) => operations.change((changes) => changes.stopSyncDaemon(params.role)));
}
