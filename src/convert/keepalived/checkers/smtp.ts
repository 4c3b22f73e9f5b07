// SMTP_CHECK: the greeting, HELO and QUIT are answered, by the server itself or by each host that is named.

import { writtenTiming } from "../../document.js";
import type { Keywords } from "../read.js";
import { completeTiming, USUAL_TIMING } from "../timing.js";
import type { Directive } from "../tree.js";
import type { Checker, CommonOptions, Target } from "./checker.js";
import { commonKeywords, TARGET_KEYWORDS, writtenTarget } from "./checker.js";

interface SmtpOptions extends CommonOptions, Target {
  helo: string;
  readonly hosts: Directive[];
}

/** keepalived/check/check_smtp.c, SMTP_DEFAULT_HELO. */
const HELO = "smtpchecker.keepalived.org";

const keywords: Keywords<SmtpOptions> = {
  ...commonKeywords(),
  ...TARGET_KEYWORDS,
  helo_name: { words: 1, becomes: "`helo`", read: (directive, options, reading) => { options.helo = reading.word(directive, "a host's name") ?? HELO; } },
  host: { words: 0, block: "needed", becomes: "a check of its own", read: (directive, options) => { options.hosts.push(directive); } },
};

/** What a host does not say, the checker does. keepalived/check/check_smtp.c: its blocks are deprecated, and still read. */
const { connect_timeout } = commonKeywords();
const hostKeywords: Keywords<CommonOptions & Target> = { ...TARGET_KEYWORDS, connect_timeout: connect_timeout! };

export const smtp: Checker = {
  keywords,
  read(directive, { timing }, reading) {
    const options: SmtpOptions = { helo: HELO, hosts: [] };
    reading.block(directive.block ?? [], keywords, options, "SMTP_CHECK");
    const hosts = options.hosts.length === 0 ? [directive] : options.hosts;
    const checks = hosts.map((host) => {
      const own: CommonOptions & Target = {};
      if (host !== directive) reading.block(host.block ?? [], hostKeywords, own, "host");
      const target = writtenTarget({ ...options, ...own }, host, reading);
      return { type: "smtp" as const, helo: options.helo, ...target, ...writtenTiming(completeTiming([own, options, ...timing], USUAL_TIMING)) };
    });
    return { checks, alpha: options.alpha ?? false };
  },
};
