// What all checkers of a real server share: when they come, whom they ask and from where.

import type { WrittenCheck, WrittenTarget } from "../../document.js";
import { defined } from "../../document.js";
import { FWMARK_MAX } from "../group.js";
import type { Keywords, Reading } from "../read.js";
import { left } from "../read.js";
import type { Timing } from "../timing.js";
import { timingKeywords } from "../timing.js";
import type { Directive } from "../tree.js";

/** What a checker takes from around it. */
export interface Surroundings {
  /** The real server's and the virtual server's, in this order. */
  readonly timing: readonly Timing[];
  readonly virtualhost: string | undefined;
  /** script_user. */
}

export interface ReadChecker {
  readonly checks: readonly WrittenCheck[];
  readonly alpha: boolean;
}

/** One kind of checker; each is a file of this folder. */
export interface Checker {
  readonly keywords: Keywords<never>;
  read(directive: Directive, around: Surroundings, reading: Reading): ReadChecker;
}

/** What every checker may say. */
export interface CommonOptions extends Timing {
  alpha?: boolean | undefined;
}

export function commonKeywords(): Keywords<CommonOptions> {
  return {
    ...timingKeywords(0),
    alpha: { words: 1, becomes: "`startsDown` of the destination", read: (directive, options, reading) => { options.alpha = reading.flag(directive); } },
    log_all_failures: left("left out; weir tells of every change of a server, not of every failure") ,
  };
}

export interface Target {
  connectIp?: string | undefined;
  connectPort?: number | undefined;
  bindTo?: string | undefined;
  bindInterface?: string | undefined;
  bindPort?: number | undefined;
  mark?: number | undefined;
}

export const TARGET_KEYWORDS: Keywords<Target> = {
  connect_ip: { words: 1, becomes: "`address`", read: (directive, target, reading) => { target.connectIp = reading.address(directive); } },
  connect_port: { words: 1, becomes: "`port`", read: (directive, target, reading) => { target.connectPort = reading.number(directive, "a port", 1, 65535); } },
  bindto: { words: 1, becomes: "`source`", read: (directive, target, reading) => { target.bindTo = reading.address(directive); } },
  bind_if: { words: 1, becomes: "`interface`", read: (directive, target, reading) => { target.bindInterface = reading.word(directive, "the name of an interface"); } },
  bind_port: { words: 1, becomes: "the port in `source`", read: readBindPort },
  fwmark: { words: 1, becomes: "`mark`", read: (directive, target, reading) => { target.mark = reading.number(directive, "a firewall mark", 1, FWMARK_MAX); } },
};

function readBindPort(directive: Directive, target: Target, reading: Reading): void {
  target.bindPort = reading.number(directive, "a port", 1, 65535);
}

export function writtenTarget(target: Target, directive: Directive, reading: Reading): WrittenTarget {
  const { connectIp: address, connectPort: port, bindTo, bindPort, bindInterface, mark } = target;
  if (address !== undefined && bindTo !== undefined && address.includes(":") !== bindTo.includes(":")) {
    reading.report.mistake(directive, `${directive.keyword}: bindto ${bindTo} is not of the family of connect_ip ${address}; give both of one family`);
  }
  if (bindPort !== undefined && bindTo === undefined) reading.report.note(directive, `bind_port ${bindPort}`, "left out; a source port needs a source address: give bindto too");
  const source = bindTo === undefined || bindPort === undefined ? bindTo : bindTo.includes(":") ? `[${bindTo}]:${bindPort}` : `${bindTo}:${bindPort}`;
  return defined({ address, port, source, interface: bindInterface, mark });
}
