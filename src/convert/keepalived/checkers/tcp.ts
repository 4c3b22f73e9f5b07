// TCP_CHECK: a connection is accepted.

import { writtenTiming } from "../../document.js";
import { completeTiming, USUAL_TIMING } from "../timing.js";
import type { Checker, CommonOptions, Target } from "./checker.js";
import { commonKeywords, TARGET_KEYWORDS, writtenTarget } from "./checker.js";

const keywords = { ...commonKeywords(), ...TARGET_KEYWORDS };

export const tcp: Checker = {
  keywords,
  read(directive, { timing }, reading) {
    const options: CommonOptions & Target = {};
    reading.block(directive.block ?? [], keywords, options, "TCP_CHECK");
    const check = { type: "tcp", ...writtenTarget(options, directive, reading), ...writtenTiming(completeTiming([options, ...timing], USUAL_TIMING)) } as const;
    return { checks: [check], alpha: options.alpha ?? false };
  },
};
