// weir sysctl [NAME[=VALUE] …]: net.ipv4.vs of this network namespace's director, shown and set as sysctl does. The whole
// command line is checked before anything is set, and all is set at once.

import { startingSysctls } from "#control/starting-sysctls.js";
import type { SysctlName, Sysctls, SysctlValue } from "#model/sysctls.js";
import { SYSCTLS, SYSCTL_NAMES, SysctlError, formatSysctl, sysctlNamed, sysctlValue } from "#model/sysctls.js";
import { withDaemon } from "./find-daemon.js";
import { findDirectorParts, openDirectorParts } from "./parts.js";

interface Wish {
  readonly name: SysctlName;
  /** Undefined: it is only to be shown. */
  readonly value: SysctlValue | undefined;
}

export async function sysctl(words: readonly string[]): Promise<void> {
  const wishes = words.length === 0 ? SYSCTL_NAMES.map((name): Wish => ({ name, value: undefined })) : readWishes(words);
  const values = await set(wishes.filter(({ value }) => value !== undefined));
  for (const { name } of wishes) console.log(formatSysctl(name, values[name]));
  for (const { name, value } of wishes) {
    const { unused } = SYSCTLS[name];
    if (value !== undefined && unused !== undefined) console.error(`weir: ${name} is kept, but nothing goes by it: ${unused}`);
  }
}

/** Throws SysctlError with every mistake. */
function readWishes(words: readonly string[]): readonly Wish[] {
  const mistakes: string[] = [];
  const wishes = words.flatMap((word) => {
    try {
      return [readWish(word)];
    } catch (error) {
      if (!(error instanceof SysctlError)) throw error;
      mistakes.push(error.message);
      return [];
    }
  });
  if (mistakes.length > 0) throw new SysctlError(mistakes.join("\n"));
  return wishes;
}

function readWish(word: string): Wish {
  const at = word.indexOf("=");
  if (at < 0) return { name: sysctlNamed(word), value: undefined };
  const name = sysctlNamed(word.slice(0, at).trim());
  const text = word.slice(at + 1);
  const value = sysctlValue(name, text);
  if (value === undefined) throw new SysctlError(`Cannot set the sysctl ${name}: "${text}" is not ${SYSCTLS[name].expected}`);
  return { name, value };
}

/** Gives all values as they are then. Without a director there are those that one would start with, and only setting makes one. */
async function set(wishes: readonly Wish[]): Promise<Sysctls> {
  const wanted = Object.fromEntries(wishes.map(({ name, value }) => [name, value]));
  const asked = await withDaemon((daemon) => (wishes.length === 0 ? daemon.sysctls.get() : daemon.sysctls.set(wanted)));
  if (asked !== undefined) return asked.answer;
  const director = (wishes.length === 0 ? findDirectorParts(() => {}) : openDirectorParts({}, () => {}))?.director;
  if (director === undefined) return startingSysctls();
  if (wishes.length > 0) director.setSysctls(wanted as Partial<Sysctls>);
  return director.sysctls();
}
