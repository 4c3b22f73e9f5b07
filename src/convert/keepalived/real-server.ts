// real_server: a destination with its checks.

import { notUnicast } from "#model/config/address.js";
import { THRESHOLD_MAX, WEIGHT_MAX } from "#model/config/schema.js";
import type { Address } from "#model/director.js";
import type { WrittenCheck, WrittenCommand, WrittenDestination, WrittenForwarding } from "../document.js";
import { defined } from "../document.js";
import type { Place } from "../report.js";
import { CHECKERS, LEFT_CHECKERS } from "./checkers/checkers.js";
import type { Surroundings } from "./checkers/checker.js";
import { METHOD_WORDS, readForwarding } from "./forwarding.js";
import type { Keyword, Keywords, Reading } from "./read.js";
import { left } from "./read.js";
import type { Timing } from "./timing.js";
import { timingKeywords } from "./timing.js";
import type { Directive } from "./tree.js";
import { describe } from "./tree.js";
import { readUser } from "./user.js";

/** What a real server takes from its virtual server. */
export interface RealServerDefaults {
  readonly timing: Timing;
  readonly forwarding: WrittenForwarding;
  readonly weight: number;
  readonly virtualhost: string | undefined;
  readonly alpha: boolean;
  readonly inhibit: boolean;
}

export interface RealServer extends Place {
  readonly directive: Directive;
  readonly address: Address;
  /** Undefined: the service's. */
  readonly port: number | undefined;
  readonly written: Omit<WrittenDestination, "address" | "port" | "checks">;
  readonly weight: number;
  readonly checks: readonly WrittenCheck[];
}

interface Options extends Timing {
  weight?: number | undefined;
  forwarding?: WrittenForwarding | undefined;
  upperThreshold?: number | undefined;
  lowerThreshold?: number | undefined;
  inhibit?: boolean | undefined;
  alpha?: boolean | undefined;
  virtualhost?: string | undefined;
  notifyUp?: WrittenCommand | undefined;
  notifyDown?: WrittenCommand | undefined;
  readonly checkers: Directive[];
}

const CHECKER: Keyword<Options> = { words: 0, block: "needed", becomes: "a check; see below", read: (directive, options) => { options.checkers.push(directive); } };

export const REAL_SERVER_KEYWORDS: Keywords<Options> = {
  weight: { words: 1, becomes: "`weight`", read: (directive, options, reading) => { options.weight = reading.number(directive, "a whole number", 0, WEIGHT_MAX); } },
  lvs_method: { words: METHOD_WORDS, becomes: "`method`, `tunnel`", read: (directive, options, reading) => { options.forwarding = readForwarding(directive, reading); } },
  uthreshold: { words: 1, becomes: "`upperThreshold`", read: (directive, options, reading) => { options.upperThreshold = reading.number(directive, "a number of connections", 0, THRESHOLD_MAX); } },
  lthreshold: { words: 1, becomes: "`lowerThreshold`", read: (directive, options, reading) => { options.lowerThreshold = reading.number(directive, "a number of connections", 0, THRESHOLD_MAX); } },
  inhibit_on_failure: { words: 1, becomes: "`onFailure: quiesce`", read: (directive, options, reading) => { options.inhibit = reading.flag(directive); } },
  alpha: { words: 1, becomes: "`startsDown`", read: (directive, options, reading) => { options.alpha = reading.flag(directive); } },
  notify_up: { words: 3, becomes: "`notifyUp`", read: (directive, options, reading) => { options.notifyUp = readNotification(directive, reading) ?? options.notifyUp; } },
  notify_down: { words: 3, becomes: "`notifyDown`", read: (directive, options, reading) => { options.notifyDown = readNotification(directive, reading) ?? options.notifyDown; } },
  virtualhost: { words: 1, becomes: "`host` of its http and https checks", read: (directive, options, reading) => { options.virtualhost = reading.word(directive, "the name of a host"); } },
  ...timingKeywords(1),
  smtp_alert: left("left out; weir sends no mail: notifyUp and notifyDown can call what does"),
  snmp_name: left("left out; weir has no SNMP"),
  ...Object.fromEntries(Object.keys(CHECKERS).map((name) => [name, CHECKER])),
  ...Object.fromEntries(Object.entries(LEFT_CHECKERS).map(([name, why]) => [name, left(why)])),
};

export function readRealServer(directive: Directive, defaults: RealServerDefaults, reading: Reading): RealServer | undefined {
  const options: Options = { checkers: [] };
  reading.block(directive.block ?? [], REAL_SERVER_KEYWORDS, options, "a real_server");
  const address = readServerAddress(directive, reading);
  const port = directive.values[1] === undefined ? undefined : reading.number(directive, "a port", 1, 65535, 1);
  const around: Surroundings = { timing: [options, defaults.timing], virtualhost: options.virtualhost ?? defaults.virtualhost };
  const read = options.checkers.map((inner) => CHECKERS[inner.keyword as keyof typeof CHECKERS].read(inner, around, reading));
  if (address === undefined) return undefined;

  const { weight = defaults.weight, forwarding = defaults.forwarding, upperThreshold, lowerThreshold, notifyUp, notifyDown } = options;
  if ((lowerThreshold ?? 0) > (upperThreshold ?? 0)) {
    reading.report.mistake(directive, `${describe(directive)}: lthreshold ${lowerThreshold} is above uthreshold ${upperThreshold ?? 0}; give an uthreshold of at least ${lowerThreshold}`);
  }
  const alpha = (options.alpha ?? defaults.alpha) || read.some((checked) => checked.alpha);
  const written = defined({
    ...forwarding, weight: weight === 1 ? undefined : weight, upperThreshold: upperThreshold || undefined, lowerThreshold: lowerThreshold || undefined,
    onFailure: (options.inhibit ?? defaults.inhibit) ? "quiesce" as const : undefined, startsDown: alpha && read.length > 0 ? true : undefined, notifyUp, notifyDown,
  });
  const { file, line, column } = directive;
  return { file, line, column, directive, address, port, written, weight, checks: read.flatMap(({ checks }) => checks) };
}

/** Of a real server or a sorry server. */
export function readServerAddress(directive: Directive, reading: Reading): Address | undefined {
  const address = reading.address(directive);
  const reason = address === undefined ? undefined : notUnicast(address);
  if (reason !== undefined) reading.report.mistake(directive, `${directive.keyword}: ${address} ${reason}; give the server's own`);
  return address;
}

/** "SCRIPT [USER [GROUP]]" */
export function readNotification(directive: Directive, reading: Reading): WrittenCommand | undefined {
  const command = reading.command(directive);
  if (directive.values[1] === undefined || command === undefined) return command;
  const user = readUser(directive, 1, reading);
  return user === undefined ? undefined : { command, user };
}
