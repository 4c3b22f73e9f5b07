// How entries of ldirectord.cf are read: by a table of their keys, each value by what it may be.

import { remedy, show } from "#model/config/fields.js";
import type { Address, Family, Protocol } from "#model/director.js";
import { formatAddress, parseAddress } from "#model/address.js";
import type { ImportNames } from "../names.js";
import type { Report } from "../report.js";
import type { Entry } from "./entries.js";

export interface Key<T> {
  readonly read: (entry: Entry, target: T, reading: Reading) => void;
  /** What it becomes in weir.yaml, or why it becomes nothing: docs/import.md. */
  readonly becomes: string;
}
export type Keys<T> = { readonly [key: string]: Key<T> };

export class Reading {
  constructor(readonly report: Report, readonly names: ImportNames) {}

  /** `where`: "the head of the file", as messages name it. */
  entries<T>(entries: readonly Entry[], keys: Keys<T>, target: T, where: string): void {
    for (const entry of entries) {
      const key = Object.hasOwn(keys, entry.key) ? keys[entry.key] : undefined;
      if (key === undefined) this.report.mistake(entry, `${show(entry.key)} is no key ${where}; ${remedy(entry.key, Object.keys(keys))}`);
      else if (entry.value === "") this.report.mistake(entry, `${entry.key} has no value; give one, or take the line away`);
      else key.read(entry, target, this);
    }
  }

  number(entry: Entry, unit: string, min: number, max: number): number | undefined {
    if (/^\d+$/.test(entry.value) && Number(entry.value) >= min && Number(entry.value) <= max) return Number(entry.value);
    return this.wrong(entry, entry.value, `${unit} from ${min} to ${max}`);
  }

  flag(entry: Entry): boolean | undefined {
    return entry.value === "yes" ? true : entry.value === "no" ? false : this.wrong(entry, entry.value, "yes or no");
  }

  oneOf<const N extends readonly string[]>(entry: Entry, names: N): N[number] | undefined {
    if (names.includes(entry.value)) return entry.value;
    this.report.mistake(entry, `${entry.key}: ${show(entry.value)} is not known; ${remedy(entry.value, names)}`);
    return undefined;
  }

  /** What stands between double quotes. */
  quoted(entry: Entry): string | undefined {
    const text = /^"(.+)"$/.exec(entry.value)?.[1];
    return text ?? this.wrong(entry, entry.value, `in quotes; write ${entry.key}="…"`);
  }

  /** With quotes around it or without. */
  text(entry: Entry): string {
    return entry.value.replace(/^"(.*)"$/, "$1");
  }

  /** The source of a regular expression: Perl's there, JavaScript's here. */
  expression(entry: Entry, source: string): string | undefined {
    try {
      new RegExp(source, "u");
      return source;
    } catch {
      this.report.mistake(entry, `${entry.key}: ${show(source)} is no regular expression of JavaScript's; write it so that both can read it, or take it away`);
      return undefined;
    }
  }

  /** A host by its address, in brackets where it is one of IPv6, or by its name. */
  async address(entry: Entry, text: string, family: Family): Promise<Address | undefined> {
    const parsed = parseAddress(text.replace(/^\[(.*)\]$/, "$1"));
    if (parsed?.family === family) return formatAddress(parsed);
    if (parsed !== undefined) return this.wrong(entry, text, `an IPv${family} address; IPv6 has keys of its own: virtual6, real6 and fallback6`);
    const found = /^[\w.+-]+$/.test(text) && !/^[\d.]+$/.test(text) ? await this.names.hostToAddress(text, family) : undefined;
    return found ?? this.wrong(entry, text, `an IPv${family} address, or the name of a host that has one`);
  }

  port(entry: Entry, text: string, protocol: Protocol): number | undefined {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : this.names.serviceToPort(text, protocol);
    return port !== undefined && port <= 65535 ? port : this.wrong(entry, text, `a port, or a service's name of ${protocol}`);
  }

  wrong(entry: Entry, found: string, expected: string): undefined {
    this.report.mistake(entry, `${entry.key}: ${show(found)} is not ${expected}`);
    return undefined;
  }
}

/** A key of which weir makes nothing. */
export function left(why: string): Key<unknown> {
  return { becomes: `nothing: ${why}`, read: (entry, _target, { report }) => report.note(entry, `${entry.key}=${entry.value}`, why) };
}

/** One that ldirectord itself no longer takes. */
export function gone(instead: string): Key<unknown> {
  return { becomes: `a mistake, as for ldirectord: ${instead}`, read: (entry, _target, { report }) => report.mistake(entry, `${entry.key} is no longer taken by ldirectord; ${instead}`) };
}
