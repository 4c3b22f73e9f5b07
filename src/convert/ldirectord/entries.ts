// ldirectord.cf as entries: "key = value", those at the head of a line for all, and behind "virtual = …" the indented ones of that
// service. ldirectord(8); /usr/sbin/ldirectord, read_config().

import type { Place, Report } from "../report.js";

export interface Entry extends Place {
  readonly key: string;
  readonly value: string;
}

export interface VirtualSection {
  readonly virtual: Entry;
  readonly entries: readonly Entry[];
}

export interface Sections {
  readonly globals: readonly Entry[];
  readonly virtuals: readonly VirtualSection[];
}

/** Blanks by which an entry belongs to the service above it; a tab counts for as many. */
const INDENT = 4;

export function readEntries(text: string, file: string, report: Report): Sections {
  const globals: Entry[] = [];
  const virtuals: { virtual: Entry; entries: Entry[] }[] = [];
  let section: Entry[] | undefined;
  for (const [i, raw] of text.split("\n").entries()) {
    if (/^\s*#/.test(raw)) continue;
    // Only in a service does a comment begin anywhere, between quotes too.
    const line = (/^\s/.test(raw) ? raw.replace(/#.*/, "") : raw).replaceAll("\t", " ".repeat(INDENT)).trimEnd();
    if (line === "") {
      // A line that is empty by itself ends a service; one that a comment left empty does not.
      if (raw.trim() === "") section = undefined;
      continue;
    }
    const indent = line.length - line.trimStart().length;
    const place = { file, line: i + 1, column: raw.length - raw.trimStart().length + 1 };
    const entry = readEntry(line.trim(), place, report);
    if (entry === undefined) continue;
    if (indent === 0) section = entry.key === "virtual" || entry.key === "virtual6" ? [] : undefined;
    if (indent === 0 && section !== undefined) virtuals.push({ virtual: entry, entries: section });
    else if (indent === 0) globals.push(entry);
    else if (section === undefined) report.mistake(entry, `${entry.key} is indented, and belongs to no virtual service; begin it at the head of its line, or put it under one without an empty line between`);
    else if (indent < INDENT) report.mistake(entry, `${entry.key} is indented by ${indent} blanks; indent what belongs to a virtual service by ${INDENT}, or by a tab`);
    else section.push(entry);
  }
  return { globals, virtuals };
}

function readEntry(text: string, place: Place, report: Report): Entry | undefined {
  const [, key, value] = /^(\w+)\s*=\s*(.*)$/.exec(text) ?? [];
  if (key !== undefined) return { ...place, key, value: value! };
  // An old form of supervised = yes.
  if (text === "supervised") return { ...place, key: text, value: "yes" };
  report.mistake(place, `${JSON.stringify(text)} is no entry; write KEY = VALUE`);
  return undefined;
}
