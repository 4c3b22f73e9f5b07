// What stands at the head of ldirectord.cf, for all services that do not say it themselves.

import { splitCommand } from "#model/config/command.js";
import type { Key, Keys, Reading } from "./read.js";
import { gone, left } from "./read.js";
import type { Entry } from "./entries.js";

/** What the file says for all services, and a service for itself. */
export interface Settings {
  checkTimeout?: number | undefined;
  negotiateTimeout?: number | undefined;
  checkInterval?: number | undefined;
  checkCount?: number | undefined;
  failureCount?: number | undefined;
  quiescent?: boolean | undefined;
  fallback?: Entry | undefined;
  fallback6?: Entry | undefined;
  fallbackCommand?: readonly string[] | undefined;
}

export interface Globals extends Settings {
  fork?: boolean | undefined;
}

const SECONDS_MAX = 3600;
/** As weir.yaml has it. */
export const INTERVAL_MAX = 86400;
const COUNT_MAX = 1000;

const MAIL = "left out; weir sends no mail: notifyUp and notifyDown can call what does";

/** Of both. A later line takes the place of an earlier one. */
export const SETTING_KEYS: Keys<Settings> = {
  checktimeout: { becomes: "`timeout` of checks that connect, ping or run a program", read: (entry, settings, reading) => { settings.checkTimeout = reading.number(entry, "a number of seconds", 1, SECONDS_MAX); } },
  negotiatetimeout: { becomes: "`timeout` of checks that negotiate", read: (entry, settings, reading) => { settings.negotiateTimeout = reading.number(entry, "a number of seconds", 1, SECONDS_MAX); } },
  checkinterval: { becomes: "`every`", read: (entry, settings, reading) => { settings.checkInterval = reading.number(entry, "a number of seconds", 1, INTERVAL_MAX); } },
  checkcount: { becomes: "`retries` of ping checks: pings that may fail, less one", read: (entry, settings, reading) => { settings.checkCount = reading.number(entry, "a whole number", 1, COUNT_MAX); } },
  failurecount: { becomes: "`retries`: failures, less one", read: (entry, settings, reading) => { settings.failureCount = reading.number(entry, "a whole number", 1, COUNT_MAX); } },
  quiescent: { becomes: "`onFailure`: `quiesce`, or `remove`", read: (entry, settings, reading) => { settings.quiescent = reading.flag(entry); } },
  fallback: { becomes: "`sorryServer`", read: (entry, settings) => { settings.fallback = entry; } },
  fallback6: { becomes: "`sorryServer` of `virtual6`", read: (entry, settings) => { settings.fallback6 = entry; } },
  fallbackcommand: { becomes: "`notifyDown` and `notifyUp` of `quorum`, with ldirectord's arguments", read: readFallbackCommand },
  connecttimeout: gone("write negotiatetimeout"),
  cleanstop: left("left out; forwarding goes on when weir's daemon ends, and weir down stops it"),
  emailalert: left(MAIL),
  emailalertfreq: left(MAIL),
  emailalertstatus: left(MAIL),
  smtp: left(MAIL),
};

const fork: Key<Globals> = { becomes: "whether a service's own `checkinterval` counts; weir checks all servers side by side in any case", read: (entry, globals, reading) => { globals.fork = reading.flag(entry); } };

export const GLOBAL_KEYS: Keys<Globals> = {
  ...SETTING_KEYS,
  fork,
  timeout: gone("write checktimeout and negotiatetimeout"),
  emailalertfrom: left(MAIL),
  autoreload: left("left out; weir reads its file again on SIGHUP"),
  callback: left("left out; weir reads its file again on SIGHUP"),
  execute: left("left out; import that file too, and include it"),
  logfile: left("left out; weir's daemon writes to its output, which systemd keeps"),
  supervised: left("left out; weir up stays in the foreground in any case"),
  readdquiescent: left("left out; what is in weir.yaml is put back"),
  maintenancedir: left("left out; weight 0 in weir.yaml takes a server out"),
};

function readFallbackCommand(entry: Entry, settings: Settings, reading: Reading): void {
  const words = splitCommand(reading.text(entry));
  if (words === undefined || words.length === 0) reading.wrong(entry, entry.value, "a program with its arguments: a quote does not end");
  else settings.fallbackCommand = words;
}
