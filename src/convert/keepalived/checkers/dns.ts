// DNS_CHECK: a question over UDP is answered.

import { DNS_RECORDS } from "#model/config/schema.js";
import { defined, writtenTiming } from "../../document.js";
import type { Keywords } from "../read.js";
import { completeTiming } from "../timing.js";
import type { Checker, CommonOptions, Target } from "./checker.js";
import { commonKeywords, TARGET_KEYWORDS, writtenTarget } from "./checker.js";

interface DnsOptions extends CommonOptions, Target {
  record?: string | undefined;
  name?: string | undefined;
}

/** keepalived/check/check_dns.c, dns_check_handler(): its delay before a retry is delay_loop. */
const TIMING = { retry: 3, delayBeforeRetry: undefined };

const keywords: Keywords<DnsOptions> = {
  ...commonKeywords(),
  ...TARGET_KEYWORDS,
  type: { words: 1, becomes: "`record`", read: (directive, options, reading) => { options.record = reading.oneOf(directive, DNS_RECORDS); } },
  name: { words: 1, becomes: "`name`", read: (directive, options, reading) => { options.name = reading.word(directive, "a domain name"); } },
};

export const dns: Checker = {
  keywords,
  read(directive, { timing }, reading) {
    const options: DnsOptions = {};
    reading.block(directive.block ?? [], keywords, options, "DNS_CHECK");
    const { record, name } = options;
    const check = {
      type: "dns", ...defined({ record, name }), ...writtenTarget(options, directive, reading), ...writtenTiming(completeTiming([options, ...timing], TIMING)),
    } as const;
    return { checks: [check], alpha: options.alpha ?? false };
  },
};
