// UDP_CHECK: nothing says that the port is closed, or with require_reply an answer comes, as it should be.

import { show } from "#model/config/fields.js";
import { defined, writtenTiming } from "../../document.js";
import type { Keywords, Reading } from "../read.js";
import { completeTiming, USUAL_TIMING } from "../timing.js";
import type { Directive } from "../tree.js";
import { describe } from "../tree.js";
import type { Checker, CommonOptions, Target } from "./checker.js";
import { commonKeywords, TARGET_KEYWORDS, writtenTarget } from "./checker.js";

interface UdpOptions extends CommonOptions, Target {
  payload?: string | undefined;
  requiresReply: boolean;
  begins?: string | undefined;
  lengthMin: number;
  lengthMax: number;
}

/** keepalived/check/check_udp.c: of an answer, in bytes. */
const LENGTH_MAX = 255;
const DATAGRAM_BYTES_MAX = 65507;

const keywords: Keywords<UdpOptions> = {
  ...commonKeywords(),
  ...TARGET_KEYWORDS,
  payload: { words: Infinity, becomes: "`payload`", read: (directive, options, reading) => { options.payload = readHex(directive, /^[\da-f]+$/i, reading)?.join(""); } },
  require_reply: { words: Infinity, becomes: "`reply`", read: readReply },
  min_reply_length: { words: 1, becomes: "`lengthMin` of `reply`", read: (directive, options, reading) => { options.lengthMin = reading.number(directive, "a length in bytes", 0, DATAGRAM_BYTES_MAX) ?? 0; } },
  max_reply_length: { words: 1, becomes: "`lengthMax` of `reply`", read: (directive, options, reading) => { options.lengthMax = reading.number(directive, "a length in bytes", 0, DATAGRAM_BYTES_MAX) ?? LENGTH_MAX; } },
};

export const udp: Checker = {
  keywords,
  read(directive, { timing }, reading) {
    const options: UdpOptions = { requiresReply: false, lengthMin: 0, lengthMax: LENGTH_MAX };
    reading.block(directive.block ?? [], keywords, options, "UDP_CHECK");
    const { payload, begins, lengthMin, lengthMax } = options;
    if (lengthMin > lengthMax) reading.report.mistake(directive, `UDP_CHECK: min_reply_length ${lengthMin} is above max_reply_length ${lengthMax}; give a lower one`);
    const reply = options.requiresReply ? defined({ begins, lengthMin: lengthMin === 0 ? undefined : lengthMin, lengthMax }) : undefined;
    const check = {
      type: "udp", ...defined({ payload, reply }), ...writtenTarget(options, directive, reading), ...writtenTiming(completeTiming([options, ...timing], USUAL_TIMING)),
    } as const;
    return { checks: [check], alpha: options.alpha ?? false };
  },
};

/** A half byte that may be anything makes the whole byte so: weir has no smaller part. */
function readReply(directive: Directive, options: UdpOptions, reading: Reading): void {
  options.requiresReply = true;
  if (directive.values.length === 0) return;
  const bytes = readHex(directive, /^[\da-fx]+$/i, reading);
  if (bytes?.some((byte) => /^(?:x[\da-f]|[\da-f]x)$/i.test(byte))) reading.report.note(directive, describe(directive), "bytes of which a half is X may be any here; weir has no half ones");
  options.begins = bytes?.map((byte) => (/x/i.test(byte) ? "##" : byte)).join("");
}

/** "Ab12f 3 456" is AB 12 0F 03 45 06: digits in pairs, and the odd last one of a word alone. */
function readHex(directive: Directive, digits: RegExp, reading: Reading): readonly string[] | undefined {
  if (reading.word(directive, "hexadecimal digits") === undefined) return undefined;
  const wrong = directive.values.find((word) => !digits.test(word));
  if (wrong === undefined) return directive.values.flatMap((word) => (word.match(/..?/g) ?? []).map((pair) => pair.padStart(2, "0").toLowerCase()));
  reading.report.mistake(directive, `${directive.keyword}: ${show(wrong)} is not a row of hexadecimal digits; give one such as 0a1b`);
  return undefined;
}
