// MISC_CHECK: a program ends with status 0, or says the weight by another.

import { defined, writtenTiming } from "../../document.js";
import type { Keywords } from "../read.js";
import { completeTiming } from "../timing.js";
import { readUser } from "../user.js";
import type { Checker, CommonOptions } from "./checker.js";
import { commonKeywords } from "./checker.js";

interface MiscOptions extends CommonOptions {
  command?: readonly string[] | undefined;
  setsWeight: boolean;
  user?: string | undefined;
}

/** keepalived/check/check_misc.c, misc_check_handler(). */
const TIMING = { retry: 0, delayBeforeRetry: 1 };

const { connect_timeout: _none, ...common } = commonKeywords();

const keywords: Keywords<MiscOptions> = {
  ...common,
  misc_path: { words: 1, becomes: "`command`", read: (directive, options, reading) => { options.command = reading.command(directive); } },
  misc_timeout: { words: 1, becomes: "`timeout`", read: (directive, options, reading) => { options.connectTimeout = reading.timer(directive, 0.1, 3600); } },
  misc_dynamic: { words: 1, becomes: "`setsWeight`", read: (directive, options, reading) => { options.setsWeight = reading.flag(directive) ?? false; } },
  user: { words: 2, becomes: "`user`", read: (directive, options, reading) => { options.user = readUser(directive, 0, reading); } },
};

export const misc: Checker = {
  keywords,
  read(directive, { timing }, reading) {
    const options: MiscOptions = { setsWeight: false };
    reading.block(directive.block ?? [], keywords, options, "MISC_CHECK");
    const { command, setsWeight, user } = options;
    if (command === undefined) {
      if (!directive.block?.some(({ keyword }) => keyword === "misc_path")) reading.report.mistake(directive, "MISC_CHECK has no misc_path; name the program to run");
      return { checks: [], alpha: false };
    }
    // Without misc_timeout the program has until the next check.
    const times = completeTiming([options, ...timing.map(({ connectTimeout: _other, ...rest }) => rest)], TIMING);
    const timeout = options.connectTimeout ?? times.every;
    const check = { type: "script", command, ...defined({ setsWeight: setsWeight || undefined, user }), ...writtenTiming({ ...times, timeout }) } as const;
    return { checks: [check], alpha: options.alpha ?? false };
  },
};
