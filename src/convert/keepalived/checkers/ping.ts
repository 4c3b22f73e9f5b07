// PING_CHECK: an echo is answered.

import { writtenTiming } from "../../document.js";
import { completeTiming, USUAL_TIMING } from "../timing.js";
import type { Checker, CommonOptions, Target } from "./checker.js";
import { commonKeywords, TARGET_KEYWORDS, writtenTarget } from "./checker.js";

const keywords = { ...commonKeywords(), ...TARGET_KEYWORDS };

export const ping: Checker = {
  keywords,
  read(directive, { timing }, reading) {
    const options: CommonOptions & Target = {};
    reading.block(directive.block ?? [], keywords, options, "PING_CHECK");
    const check = { type: "ping", ...writtenTarget(options, directive, reading), ...writtenTiming(completeTiming([options, ...timing], USUAL_TIMING)) } as const;
    return { checks: [check], alpha: options.alpha ?? false };
  },
};
