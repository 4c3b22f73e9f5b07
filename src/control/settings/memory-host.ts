// A machine's settings in memory, for tests and plans.

import type { Host, Setting, Wanted } from "./setting.js";
import { nameOf } from "./setting.js";

export class MemoryHost implements Host {
  readonly #values = new Map<string, string | null>();
  readonly #machine: Host | undefined;
  /** The name of a setting that cannot be changed. */
  refuse: string | undefined;
  beforeWrite: (() => void) | undefined;

  /** `machine`: what is written is written over its settings, which stay as they are. */
  constructor(values: readonly Wanted[] = [], machine?: Host) {
    this.#machine = machine;
    for (const { setting, value } of values) this.#values.set(nameOf(setting), value);
  }

  read(setting: Setting): string | null {
    const value = this.#values.get(nameOf(setting));
    return value === undefined ? this.#machine?.read(setting) ?? null : value;
  }

  write(setting: Setting, value: string | null): void {
    this.beforeWrite?.();
    if (nameOf(setting) === this.refuse) throw new Error(`${this.refuse}: refused`);
    this.#values.set(nameOf(setting), value);
  }

  describe(setting: Setting, value: string | null): string {
    return this.#machine?.describe(setting, value) ?? `${nameOf(setting)}: ${value ?? "taken away"}`;
  }

  /** "NAME VALUE", sorted. */
  values(): string[] {
    return [...this.#values].filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}`).sort();
  }
}
