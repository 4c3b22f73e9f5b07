// What the commands work on: the real director, data plane and machine.

import { host } from "#control/host.js";
import type { RealServerParts, RealServerRecord } from "#control/realserver.js";
import { realServerRecordPath } from "#control/realserver-state.js";
import { openRecord } from "#control/record.js";

export function openRealServerParts(report: (line: string) => void): RealServerParts {
  const record = openRecord<RealServerRecord>(realServerRecordPath());
  return { host, record, report };
}
