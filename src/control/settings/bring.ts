// Brings a machine's settings to what is wanted, and can always take back exactly what it changed: each change is
// recorded before it is made, with the value that stood there.

import type { Applied, Host, Wanted } from "./setting.js";
import { sameSetting } from "./setting.js";

export interface Bring {
  readonly host: Host;
  /** What weir changed before, oldest first. */
  readonly applied: readonly Applied[];
  /** Called before every change with the whole record, and after it when something was taken back. */
  readonly save: (applied: readonly Applied[]) => void;
  /** One line for each change, in an operator's words. */
  readonly report: (line: string) => void;
}

/**
 * Makes what is wanted, then takes back what is recorded and wanted no longer. When a change fails, those made by this
 * call are taken back and the error is thrown. Gives the new record.
 */
export async function bringSettings(wanted: readonly Wanted[], bring: Bring): Promise<readonly Applied[]> {
  const applied = await makeAll(wanted, bring);
  const stale = applied.filter((entry) => !wanted.some((other) => sameSetting(other.setting, entry.setting)));
  return takeBack(stale, { ...bring, applied });
}

/** Puts back what stood there before `entries`, the newest change first. Gives the record without them. */
export async function takeBack(entries: readonly Applied[], { host, applied, save, report }: Bring): Promise<readonly Applied[]> {
  let left = applied;
  for (const entry of entries.toReversed()) {
    const now = host.read(entry.setting);
    // Somebody has changed it since: theirs to keep. Not there any more: nothing to take away.
    if (now === entry.value) {
      await host.write(entry.setting, entry.before);
      report(host.describe(entry.setting, entry.before));
    }
    left = left.filter((other) => other !== entry);
    save(left);
  }
  return left;
}

async function makeAll(wanted: readonly Wanted[], bring: Bring): Promise<readonly Applied[]> {
  const { host, save, report } = bring;
  const made: Applied[] = [];
  let applied = bring.applied;
  try {
    for (const { setting, value } of wanted) {
      const now = host.read(setting);
      if (now === value) continue;
      const earlier = applied.find((entry) => sameSetting(entry.setting, setting));
      // Changed a second time, it still goes back to what stood there before weir came.
      const entry: Applied = { setting, value, before: earlier === undefined ? now : earlier.before };
      applied = [...applied.filter((other) => other !== earlier), entry];
      save(applied);
      made.push({ ...entry, before: now });
      await host.write(setting, value);
      report(host.describe(setting, value));
    }
    return applied;
  } catch (error) {
    await rollBack(made, bring);
    throw error;
  }
}

async function rollBack(made: readonly Applied[], { host, applied, save, report }: Bring): Promise<void> {
  for (const { setting, value, before } of made.toReversed()) {
    if (host.read(setting) !== value) continue;
    await host.write(setting, before);
    report(host.describe(setting, before));
  }
  save(applied);
}
