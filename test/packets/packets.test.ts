// Every packet case on both executors and at both hooks.

import { forwardCases } from "./cases/forward.js";
import { fragmentCases } from "./cases/fragments.js";
import { ftpCases } from "./cases/ftp.js";
import { icmpSysctlCases } from "./cases/icmp-sysctls.js";
import { sipCases } from "./cases/sip.js";
import { icmpCases } from "./cases/icmp.js";
import { ipsecCases } from "./cases/ipsec.js";
import { ipv6Cases } from "./cases/ipv6.js";
import { lifecycleCases } from "./cases/lifecycle.js";
import { localCases } from "./cases/local.js";
import { markCases } from "./cases/marks.js";
import { overloadCases } from "./cases/overload.js";
import { persistenceCases } from "./cases/persistence.js";
import { refusedCases } from "./cases/refused.js";
import { sctpCases } from "./cases/sctp.js";
import { tcpStateCases } from "./cases/tcp-states.js";
import { tunnelCases } from "./cases/tunnel.js";
import { untouchedCases } from "./cases/untouched.js";
import { runCases } from "./run-cases.js";

runCases([
  ...forwardCases, ...tunnelCases, ...refusedCases, ...untouchedCases, ...tcpStateCases, ...sctpCases, ...ipsecCases, ...lifecycleCases, ...persistenceCases, ...icmpCases,
  ...ipv6Cases, ...overloadCases, ...markCases, ...localCases, ...ftpCases, ...sipCases, ...icmpSysctlCases, ...fragmentCases,
]);
