// After how long without packets connections end.

import { z } from "zod";
import { TIMEOUT_SECONDS_MAX } from "#model/config/schema.js";
import { optional, whole } from "./fields.js";

const seconds = whole("a number of seconds", 1, TIMEOUT_SECONDS_MAX);

export const Timeouts = z.strictObject({ tcp: seconds, tcpFin: seconds, udp: seconds }).meta({ id: "Timeouts" });
/** What is left out stays. */
export const TimeoutsPatch = z.strictObject({ tcp: optional(seconds), tcpFin: optional(seconds), udp: optional(seconds) }).meta({ id: "TimeoutsPatch" });

export type Timeouts = z.infer<typeof Timeouts>;
export type TimeoutsPatch = z.infer<typeof TimeoutsPatch>;
