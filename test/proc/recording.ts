// Reads recordings/proc.txt: sections, in each the commands in their order with what they printed.
//
//   ## connections
//   $ cat /proc/net/ip_vs_conn
//   Pro FromIP   FPrt …

import { readFileSync } from "node:fs";

export interface Recorded {
  readonly command: string;
  readonly printed: string;
}

export function readSection(title: string): readonly Recorded[] {
  const text = readFileSync(new URL("../../../../test/recordings/proc.txt", import.meta.url), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(title));
  if (section === undefined) throw new RangeError(`the recording has no section "${title}"`);
  // A blank line stands before the next section.
  return section.replace(/\n\n$/, "\n").split(/^\$ /m).slice(1).map((part) => {
    const end = part.indexOf("\n");
    return { command: part.slice(0, end), printed: part.slice(end + 1) };
  });
}

/** What each printing of a file had, first to last. */
export function printings(section: readonly Recorded[], file: string): readonly string[] {
  return section.filter(({ command }) => command === `cat /proc/net/${file}`).map(({ printed }) => printed);
}
