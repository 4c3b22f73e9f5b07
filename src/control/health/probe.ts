// Carries one check out, whatever its kind. A check that goes wrong in a way that nobody thought of has failed too.

import type { DestinationId } from "#model/director.js";
import type { Check } from "#model/health.js";
import { CheckFailure, Shortage } from "./attempt.js";
import * as dns from "./checks/dns.js";
import * as http from "./checks/http.js";
import * as ping from "./checks/ping.js";
import * as script from "./checks/script.js";
import * as smtp from "./checks/smtp.js";
import * as tcp from "./checks/tcp.js";
import * as udp from "./checks/udp.js";
import type { Target } from "./target.js";
import { targetOf } from "./target.js";
import type { Verdict } from "./verdict.js";
import { unhealthy } from "./verdict.js";

/** Ends soon after the signal was aborted; its reason is what a verdict says then. Never throws. */
export async function probe(check: Check, destination: DestinationId, signal: AbortSignal): Promise<Verdict> {
  try {
    return await probeKind(check, targetOf(check, destination), signal);
  } catch (error) {
    if (error instanceof Shortage) return { ...unhealthy(error.message), isUnknown: true };
    if (error instanceof CheckFailure) return unhealthy(error.message);
    return unhealthy(`the ${check.type} check did not work: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function probeKind(check: Check, target: Target, signal: AbortSignal): Promise<Verdict> {
  switch (check.type) {
    case "tcp": return tcp.probe(check, target, signal);
    case "http": case "https": return http.probe(check, target, signal);
    case "dns": return dns.probe(check, target, signal);
    case "smtp": return smtp.probe(check, target, signal);
    case "udp": return udp.probe(check, target, signal);
    case "ping": return ping.probe(check, target, signal);
    case "script": return script.probe(check, target, signal);
  }
}
