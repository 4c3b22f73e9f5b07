// A virtual service of ldirectord.cf as its entries say it, before names are resolved and defaults filled in.

import { PERSISTENT_SECONDS_MAX, SCHEDULER_FLAGS, SCHEDULERS } from "#model/config/schema.js";
import { remedy, show } from "#model/config/fields.js";
import { parseAddress } from "#model/address.js";
import type { Entry, VirtualSection } from "./entries.js";
import type { Settings } from "./globals.js";
import { SETTING_KEYS } from "./globals.js";
import type { Keys, Reading } from "./read.js";
import { left } from "./read.js";

export const SERVICES = [
  "dns", "ftp", "http", "https", "http_proxy", "imap", "imaps", "ldap", "ldaps", "nntp", "mysql", "none", "oracle", "pop", "pops", "radius", "pgsql", "sip", "smtp", "submission", "simpletcp",
] as const;
export type ServiceName = (typeof SERVICES)[number];

export const CHECK_TYPES = ["connect", "negotiate", "ping", "off", "on", "external", "external-perl"] as const;
export type CheckType = (typeof CHECK_TYPES)[number] | { readonly connects: number };

export interface Options extends Settings {
  readonly reals: Entry[];
  scheduler: string;
  schedulerFlags: readonly string[];
  persistent?: number | undefined;
  netmask?: string | undefined;
  /** As it is written; without it the service's address tells. */
  protocol?: Entry | undefined;
  onePacket?: Entry | undefined;
  checkType: CheckType;
  checkTypeEntry?: Entry | undefined;
  service?: { readonly name: ServiceName; readonly entry: Entry } | undefined;
  checkCommand: string;
  checkPort?: number | undefined;
  checkIntervalEntry?: Entry | undefined;
  request?: string | undefined;
  receive?: { readonly source: string; readonly entry: Entry } | undefined;
  httpMethod: "GET" | "HEAD";
  virtualhost?: string | undefined;
}

const CREDENTIALS = "left out; weir has no check that logs in as yet";

export const VIRTUAL_KEYS: Keys<Options> = {
  ...SETTING_KEYS,
  real: { becomes: "`destinations`", read: (entry, options) => { options.reals.push(entry); } },
  real6: { becomes: "`destinations` of `virtual6`", read: (entry, options) => { options.reals.push(entry); } },
  scheduler: { becomes: "`scheduler`; without it `wrr`", read: (entry, options, reading) => { options.scheduler = reading.oneOf(entry, SCHEDULERS) ?? options.scheduler; } },
  schedflags: { becomes: "`schedulerFlags`", read: readFlags },
  persistent: { becomes: "`persistent`", read: (entry, options, reading) => { options.persistent = reading.number(entry, "a number of seconds", 1, PERSISTENT_SECONDS_MAX); } },
  netmask: { becomes: "`netmask`", read: (entry, options) => { options.netmask = entry.value; } },
  protocol: { becomes: "`protocol`, or `fwmark`", read: (entry, options) => { options.protocol = entry; } },
  ops: { becomes: "`onePacket`", read: (entry, options, reading) => { options.onePacket = reading.flag(entry) === true ? entry : undefined; } },
  checktype: { becomes: "the type of the check", read: readCheckType },
  service: { becomes: "the type of a check that negotiates", read: readService },
  checkcommand: { becomes: "`command` of a script check, with ldirectord's arguments", read: (entry, options, reading) => { options.checkCommand = reading.text(entry); } },
  checkport: { becomes: "`port` of the check", read: (entry, options, reading) => { options.checkPort = reading.number(entry, "a port", 1, 65535); } },
  checkinterval: { becomes: "`every`, where `fork=yes`", read: readInterval },
  request: { becomes: "`path` or `name`", read: (entry, options, reading) => { options.request = reading.quoted(entry); } },
  receive: { becomes: "`body`", read: readReceive },
  httpmethod: { becomes: "`method`", read: (entry, options, reading) => { options.httpMethod = (reading.oneOf({ ...entry, value: entry.value.toUpperCase() }, ["GET", "HEAD"])) ?? "GET"; } },
  virtualhost: { becomes: "`host`", read: (entry, options, reading) => { options.virtualhost = reading.text(entry) || undefined; } },
  login: left(CREDENTIALS),
  passwd: left(CREDENTIALS),
  database: left(CREDENTIALS),
  secret: left(CREDENTIALS),
  load: left("left out; ldirectord makes no use of it either"),
  monitorfile: left("left out; weir's daemon writes to its output, which systemd keeps"),
  servicename: left("left out; it is for mails"),
  comment: left("left out; it is for mails"),
};

export function readOptions({ entries }: VirtualSection, reading: Reading): Options {
  const options: Options = { reals: [], scheduler: "wrr", schedulerFlags: [], checkType: "negotiate", checkCommand: "/bin/true", httpMethod: "GET" };
  reading.entries(entries, VIRTUAL_KEYS, options, "of a virtual service");
  checkFlags(entries, options, reading);
  return options;
}

function readFlags(entry: Entry, options: Options, reading: Reading): void {
  const flags = entry.value.split(",").filter((flag) => flag !== "");
  for (const flag of flags) {
    if (!Object.hasOwn(SCHEDULER_FLAGS, flag)) reading.report.mistake(entry, `schedflags: ${show(flag)} is not known; ${remedy(flag, Object.keys(SCHEDULER_FLAGS))}`);
  }
  options.schedulerFlags = flags;
}

/** ipvsadm refuses a flag of another scheduler, whichever stands first. */
function checkFlags(entries: readonly Entry[], { scheduler, schedulerFlags }: Options, { report }: Reading): void {
  const entry = entries.find(({ key }) => key === "schedflags");
  for (const flag of schedulerFlags) {
    const owner = flag.slice(0, flag.indexOf("-"));
    if (Object.hasOwn(SCHEDULER_FLAGS, flag) && owner !== "flag" && owner !== scheduler) report.mistake(entry!, `schedflags: ${flag} is of the scheduler ${owner}, and this service's is ${scheduler}; take it away`);
  }
}

function readCheckType(entry: Entry, options: Options, reading: Reading): void {
  options.checkTypeEntry = entry;
  const number = /^\d+$/.test(entry.value) ? reading.number(entry, "a whole number", 1, 1000) : undefined;
  if (number !== undefined) options.checkType = { connects: number };
  else if (!/^\d+$/.test(entry.value)) options.checkType = reading.oneOf(entry, CHECK_TYPES) ?? options.checkType;
}

function readService(entry: Entry, options: Options, reading: Reading): void {
  const name = reading.oneOf(entry, SERVICES);
  if (name !== undefined) options.service = { name, entry };
}

function readInterval(entry: Entry, options: Options, reading: Reading): void {
  SETTING_KEYS.checkinterval!.read(entry, options, reading);
  options.checkIntervalEntry = entry;
}

function readReceive(entry: Entry, options: Options, reading: Reading): void {
  const source = reading.quoted(entry);
  options.receive = source === undefined ? undefined : { source, entry };
}

/** A mask of IPv4 or a prefix length of IPv6. */
export function readNetmask(entry: Entry, family: 4 | 6, reading: Reading): string | undefined {
  const isRight = family === 4 ? parseAddress(entry.value)?.family === 4 : /^\d{1,3}$/.test(entry.value) && Number(entry.value) >= 1 && Number(entry.value) <= 128;
  return isRight ? entry.value : reading.wrong(entry, entry.value, family === 4 ? "a mask such as 255.255.255.0" : "a prefix length from 1 to 128");
}
