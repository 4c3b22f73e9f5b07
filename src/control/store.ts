// The director's state as control/ reads and writes it: tables as bytes in place, hash maps by key. The kernel's maps and
// the user-space machine's are both such a store, so the same director configures either.

import type { MapSpec } from "#ebpf/spec.js";

export interface HashAccess {
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): boolean;
  keys(): Iterable<Uint8Array>;
  /** Copies of all keys and values. */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** As many of each, in few calls. */
  updateAll(keys: readonly Uint8Array[], values: readonly Uint8Array[]): void;
  /** Those that have no entry are passed over. */
  deleteAll(keys: readonly Uint8Array[]): void;
}

export interface Store {
  /** All entries of a table() map, in place: what is written there, packets see. */
  table(spec: MapSpec): Uint8Array;
  hash(spec: MapSpec): HashAccess;
  /** Ticks of the data plane's clock (dataplane/clock.ts) now. */
  now(): number;
  /** The address that this host uses towards another, or undefined when there is no route. */
  sourceTowards(address: string): string | undefined;
  /** Whether an address is this host's own. */
  isLocal(address: string): boolean;
  /** Runs `change` while no other process changes this state. */
  exclusively<T>(change: () => T): T;
}
