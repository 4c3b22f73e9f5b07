// The rules by which packets get marks (dataplane/mark.ts): a new list stands beside the old one, then packets see it.

import type { Values } from "#layout/struct.js";
import { IPPROTO_IP } from "#wire/ipv4.js";
import type { settings } from "#dataplane/maps.js";
import { MARK_RULES_MAX, MarkRule as MarkRuleStruct, markRules } from "#dataplane/maps.js";
import type { Family, Protocol } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import type { MarkRule, PortRange, Prefix } from "#model/marks.js";
import { fromAddress, fromNetmask, protocolName, protocolNumber, toAddress, toNetmask } from "./encode.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

type Row = Values<typeof MarkRuleStruct>;
/** Of a list, with its end. */
const PLACES = MARK_RULES_MAX + 1;

export class MarkRules {
  readonly #rows: Rows<typeof markRules.value>;

  constructor(store: Store, readonly settingsRows: Rows<typeof settings.value>) {
    this.#rows = new Rows(store, markRules);
  }

  read(): readonly MarkRule[] {
    const at = this.settingsRows.read(0).markRulesAt;
    const rules: MarkRule[] = [];
    for (let place = at; rules.length < MARK_RULES_MAX && this.#rows.number(place, "mark") !== 0; place++) rules.push(decodeRule(this.#rows.read(place)));
    return rules;
  }

  write(rules: readonly MarkRule[]): void {
    if (rules.length > MARK_RULES_MAX) throw new DirectorError("NO_MEMORY", `Cannot keep ${rules.length} rules for marks: at most ${MARK_RULES_MAX} are gone through for a packet`);
    const at = this.settingsRows.read(0).markRulesAt === 0 ? PLACES : 0;
    rules.forEach((rule, i) => this.#rows.write(at + i, encodeRule(rule)));
    this.#rows.clear(at + rules.length);
    this.settingsRows.write(0, { markRulesAt: at });
  }
}

function encodeRule({ mark, family, protocol, source, destination, sourcePorts, destinationPorts }: MarkRule): Row {
  const from = encodePrefix(source, family);
  const to = encodePrefix(destination, family);
  return {
    mark, family, protocol: protocol === undefined ? IPPROTO_IP : protocolNumber(protocol), padding: 0,
    source: from.address, sourceMask: from.mask, destination: to.address, destinationMask: to.mask,
    sourcePorts: encodePorts(sourcePorts), destinationPorts: encodePorts(destinationPorts),
  };
}

function encodePrefix(prefix: Prefix | undefined, family: Family) {
  if (prefix === undefined) return { address: { high: 0n, low: 0n }, mask: { high: 0n, low: 0n } };
  const mask = maskOf(prefix.length, family);
  const { high, low } = toAddress(prefix.address);
  return { address: { high: high & mask.high, low: low & mask.low }, mask };
}

function maskOf(length: number, family: Family) {
  if (family === 6) return toNetmask(String(length), 6);
  const bits = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
  return toNetmask([bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join("."), 4);
}

const encodePorts = (ports: PortRange | undefined): number[] => (ports === undefined ? [0, 0xffff] : [ports.from, ports.to]);

function decodeRule(row: Row): MarkRule {
  const family = row.family as Family;
  return {
    mark: row.mark, family, protocol: row.protocol === IPPROTO_IP ? undefined : protocolName(row.protocol) as Protocol,
    source: decodePrefix(row.source, row.sourceMask, family), destination: decodePrefix(row.destination, row.destinationMask, family),
    sourcePorts: decodePorts(row.sourcePorts), destinationPorts: decodePorts(row.destinationPorts),
  };
}

function decodePrefix(address: Row["source"], mask: Row["source"], family: Family): Prefix | undefined {
  const length = Number(fromNetmask(mask, 6)); // the bits that are set, of either family
  return length === 0 ? undefined : { address: fromAddress(address, family), length };
}

function decodePorts([from = 0, to = 0]: readonly number[]): PortRange | undefined {
  return from === 0 && to === 0xffff ? undefined : { from, to };
}
