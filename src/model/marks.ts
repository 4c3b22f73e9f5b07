// Rules that give packets a firewall mark, as an administrator writes them. A packet gets the mark of the first rule that it
// agrees with in all that the rule names; so a service by mark needs no netfilter, and is found at XDP too.

import { addressFamily } from "./address.js";
import type { Address, Family, Protocol } from "./director.js";

/** Inclusive. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

export interface MarkRule {
  /** 1 … 2^32 - 1. */
  readonly mark: number;
  readonly family: Family;
  /** Undefined, here and below: any. */
  readonly protocol: Protocol | undefined;
  readonly source: Prefix | undefined;
  readonly destination: Prefix | undefined;
  readonly sourcePorts: PortRange | undefined;
  readonly destinationPorts: PortRange | undefined;
}

/** At most so many: a packet that begins a connection is held against one after the other. */
export const MARK_RULES_MAX = 255;

/** "mark 7: tcp to 10.0.0.100/32 port 80-90". */
export function formatMarkRule({ mark, family, protocol, source, destination, sourcePorts, destinationPorts }: MarkRule): string {
  const from = [...prefixText("from", source), ...portsText(sourcePorts)];
  const to = [...prefixText("to", destination), ...portsText(destinationPorts)];
  const words = [protocol ?? "any protocol", ...from, ...(destination === undefined && destinationPorts !== undefined ? ["to"] : []), ...to];
  const isPlain = source === undefined && destination === undefined;
  return `mark ${mark}: ${words.join(" ")}${isPlain ? ` in IPv${family}` : ""}`;
}

const prefixText = (word: string, prefix: Prefix | undefined): string[] => (prefix === undefined ? [] : [word, `${prefix.address}/${prefix.length}`]);
const portsText = (ports: PortRange | undefined): string[] => (ports === undefined ? [] : ["port", ports.from === ports.to ? `${ports.from}` : `${ports.from}-${ports.to}`]);

/** Of the addresses that a rule names, which are of one; undefined when it names none. */
export function ruleFamily(...prefixes: readonly (Prefix | undefined)[]): Family | undefined {
  const named = prefixes.find((prefix) => prefix !== undefined);
  return named && addressFamily(named.address);
}
