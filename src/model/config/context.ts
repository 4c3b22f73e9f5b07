// What all parts of reading a configuration share: what is true of this machine, and the list of mistakes.

import type { ConfigPath } from "./error.js";
import { remedy, show } from "./fields.js";
import type { IssueList } from "./source.js";
import type { ConfigOptions } from "../config.js";

export interface ReadContext extends ConfigOptions {
  readonly issues: IssueList;
}

/** Notes an interface that is not there. */
export function checkInterface(name: string, path: ConfigPath, { interfaces, issues }: ReadContext): void {
  if (interfaces === undefined || interfaces.includes(name)) return;
  issues.add(path, `there is no interface ${show(name)} here; ${remedy(name, interfaces)}`);
}

/** Notes, at its second place, what is there twice; undefined entries have had their own message. */
export function checkDuplicates(
  names: readonly (string | undefined)[], path: ConfigPath, message: (name: string, first: number) => string, { issues }: ReadContext,
): void {
  const seen = new Map<string, number>();
  for (const [i, name] of names.entries()) {
    if (name === undefined) continue;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, i);
    else issues.add([...path, i], message(name, first));
  }
}
