// A machine's settings in memory, for tests and simulations.

import type { Host, Setting, Wanted } from "./setting.js";
import { nameOf } from "./setting.js";

export class MemoryHost implements Host {
  readonly #values = new Map<string, string>();
  /** The name of a setting that cannot be changed. */
  refuse: string | undefined;
  beforeWrite: (() => void) | undefined;

  constructor(values: readonly Wanted[] = []) {
    for (const { setting, value } of values) this.#values.set(nameOf(setting), value);
  }

  read(setting: Setting): string | null {
    return this.#values.get(nameOf(setting)) ?? null;
  }

  write(setting: Setting, value: string | null): void {
    this.beforeWrite?.();
    if (nameOf(setting) === this.refuse) throw new Error(`${this.refuse}: refused`);
    if (value === null) this.#values.delete(nameOf(setting));
    else this.#values.set(nameOf(setting), value);
  }

  describe(setting: Setting, value: string | null): string {
    return `${nameOf(setting)}: ${value ?? "taken away"}`;
  }

  /** "NAME VALUE", sorted. */
  values(): string[] {
    return [...this.#values].map(([name, value]) => `${name} ${value}`).sort();
  }
}
