// What a director's configuration file means: weir.yaml in, a frozen Configuration out, or ConfigError with every
// mistake at its place. No kernel and no I/O; what is true of this machine (its interfaces) is handed in.

import type { ApiConfiguration } from "./config/api.js";
import type { Address, Destination, Service, SyncDaemonRequest, Timeouts } from "./director.js";
import type { DestinationHealth, ServiceHealth } from "./health.js";
import type { MarkRule } from "./marks.js";
import type { Sysctls } from "./sysctls.js";
import type { Environment } from "./config/environment.js";
import type { ReadIncluded } from "./config/include.js";
import { readSources } from "./config/include.js";
import { IssueList } from "./config/source.js";
import { readConfiguration } from "./config/read.js";

/** Where the data plane stands: XDP in the driver, XDP before the stack, TC; auto chooses for each interface. */
export type AttachMode = "auto" | "tc" | "xdp" | "generic";

export interface InterfaceSelection {
  readonly name: string;
  readonly mode: AttachMode;
}

export interface VipAddress {
  readonly address: Address;
  /** 32 or 128 when the file says nothing. */
  readonly prefixLength: number;
  readonly interface: string;
}

export interface ConfiguredDestination extends Destination {
  readonly health: DestinationHealth;
}

export interface ConfiguredService extends Service {
  readonly destinations: readonly ConfiguredDestination[];
  readonly health: ServiceHealth;
}

export interface Configuration {
  /** In the file's order. */
  readonly services: readonly ConfiguredService[];
  /** "all": every Ethernet interface that is up. */
  readonly interfaces: "all" | readonly InterfaceSelection[];
  /** For interfaces that are not named one by one. */
  readonly mode: AttachMode;
  /** Virtual addresses to put on an interface of the director. */
  readonly addresses: readonly VipAddress[];
  /** 0: as it is. */
  readonly timeouts: Timeouts;
  /** Undefined: those that there are stay. */
  readonly markRules: readonly MarkRule[] | undefined;
  /** Undefined: those that run go on. */
  readonly syncDaemons: readonly SyncDaemonRequest[] | undefined;
  /** Those that the file names; the others stay as they are. */
  readonly sysctls: Partial<Sysctls>;
  /** Of the connection table; undefined: the director's own choice. */
  readonly tableEntries: number | undefined;
  readonly tableEntriesIpv6: number | undefined;
  /** Destinations that fit; undefined: the director's own choice. */
  readonly destinationEntries: number | undefined;
  /** Of the daemon; what is applied once does not go by it. */
  readonly api: ApiConfiguration;
}

export interface ConfigOptions {
  /** As messages name it. */
  readonly file: string;
  /** Names of the interfaces that are there; not checked when missing. */
  readonly interfaces?: readonly string[];
  /** Schedulers that this director can run; every name of LVS's when missing. */
  readonly schedulers?: readonly string[];
  /** What ${NAME} stands for; without it the text is taken as it is. */
  readonly environment?: Environment;
  /** Reads what `include` names; without it nothing can be included. */
  readonly readIncluded?: ReadIncluded;
}

/** Throws ConfigError. */
export function parseConfig(text: string, options: ConfigOptions): Configuration {
  const source = readSources(text, options.file, options, options.readIncluded);
  const issues = new IssueList(source);
  const configuration = readConfiguration(source.value, { ...options, issues });
  issues.throwIfAny();
  return deepFreeze(configuration);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
