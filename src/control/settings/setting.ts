// A setting of this machine that weir may change: an address on an interface, a sysctl, the default route, a link's
// state, the decapsulating program. Each kind is a sibling file with the same three parts; host.ts joins them.
// A value is text; null says that the thing is not there.

import type { Address } from "#model/director.js";

export type Setting =
  | { readonly kind: "address"; readonly interface: string; readonly address: Address; readonly prefixLength: number; readonly label?: string }
  /** As a path: "net/ipv4/conf/eth0.5/arp_ignore" (an interface's name may have dots). */
  | { readonly kind: "sysctl"; readonly name: string }
  | { readonly kind: "defaultRoute" }
  | { readonly kind: "link"; readonly interface: string }
  | { readonly kind: "decapsulation"; readonly interface: string };

export interface SettingKind<S> {
  /** The value now. */
  read(setting: S): string | null;
  /** Makes it so. Taking away what is not there (any more) is no error. */
  write(setting: S, value: string | null): void | Promise<void>;
  /** In an operator's words, what `write` did: "put 10.0.0.100/32 on lo". */
  describe(setting: S, value: string | null): string;
}

/** What reads and writes settings: this machine (host.ts), or one in memory (tests). */
export type Host = SettingKind<Setting>;

export interface Wanted {
  readonly setting: Setting;
  readonly value: string;
}

/** What weir changed, and what to put back. */
export interface Applied extends Wanted {
  readonly before: string | null;
}

/** Of the kind decapsulation, in the form in which values are compared. */
export function decapsulationValue(vips: readonly Address[], ends: readonly Address[]): string {
  return `${vips.toSorted().join(",")} at ${ends.toSorted().join(",")}`;
}

export function sameSetting(a: Setting, b: Setting): boolean {
  return nameOf(a) === nameOf(b);
}

/** Tells one setting from another. */
export function nameOf(setting: Setting): string {
  switch (setting.kind) {
    case "address": return `address ${setting.interface} ${setting.address}/${setting.prefixLength}`;
    case "sysctl": return `sysctl ${setting.name}`;
    case "defaultRoute": return "defaultRoute";
    case "link": return `link ${setting.interface}`;
    case "decapsulation": return `decapsulation ${setting.interface}`;
  }
}
