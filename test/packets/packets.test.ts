// Every packet case on both executors and at both hooks.

import { forwardCases } from "./cases/forward.js";
import { runCases } from "./run-cases.js";

runCases([...forwardCases]);
