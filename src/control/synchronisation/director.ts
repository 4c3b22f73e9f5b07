// The director on the kernel's maps, with its sync daemons. Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_genl_new_daemon(), ip_vs_genl_del_daemon().

import { addressFamily } from "#model/address.js";
import { familyOf } from "#model/config/address.js";
import type { Operation, SyncDaemon, SyncDaemonRequest, SyncProcess } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { formatServiceId } from "#model/names.js";
import { StoreDirector } from "../director.js";
import type { KernelStore } from "../kernel-store.js";
import { SyncDaemons } from "./daemons.js";

export class KernelDirector extends StoreDirector {
  readonly #daemons: SyncDaemons;

  constructor(readonly store: KernelStore) {
    super(store);
    this.#daemons = new SyncDaemons(store);
  }

  syncDaemons(): readonly SyncDaemon[] {
    return this.#daemons.running().map(({ role, interface: name, syncId, lengthMax, group, port, ttl }) => ({ role, interface: name, syncId, lengthMax, group, port, ttl }));
  }

  syncProcesses(): readonly SyncProcess[] {
    const standsBy = this.isStandingBy();
    const describe = (isRunning: boolean) => (daemon: SyncDaemon & { readonly pid: number }): SyncProcess => ({ ...daemon, isRunning, standsBy: standsBy && daemon.role === "backup" });
    return [...this.#daemons.running().map(describe(true)), ...this.#daemons.lost().map(describe(false))];
  }

  startSyncDaemon(daemon: SyncDaemonRequest): void {
    this.store.exclusively(() => {
      const mixed = this.serviceUses().some(({ id, destinations }) => destinations.some(({ address }) => addressFamily(address) !== familyOf(id)));
      if (mixed) throw new DirectorError("INVALID", `Cannot start the ${daemon.role} daemon: a service has destinations of the other address family, which messages cannot describe`);
      this.#daemons.start(daemon, this.sysctls().sync_ports);
      this.refreshFilters();
    });
  }

  stopSyncDaemon(role: SyncDaemon["role"]): void {
    this.store.exclusively(() => {
      try {
        this.#daemons.stop(role);
      } finally {
        this.refreshFilters();
      }
    });
  }

  /** One whose process was killed has not been stopped: its director must not become the active one by that. */
  protected override isBackup(): boolean {
    return this.#daemons.isKept("backup");
  }

  /** ip_vs_add_dest(): messages cannot describe a server of the other family. */
  override apply(operations: readonly Operation[]): void {
    const mixed = operations.find((one) => one.kind === "addDestination" && addressFamily(one.destination.address) !== familyOf(one.service));
    if (mixed?.kind === "addDestination" && this.#daemons.running().length > 0) {
      throw new DirectorError("INVALID", `Cannot add ${mixed.destination.address} to ${formatServiceId(mixed.service)}: a sync daemon runs, and cannot describe servers of the other address family`);
    }
    super.apply(operations);
  }
}
