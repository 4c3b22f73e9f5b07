// Every packet case on both executors and at both hooks.

import { forwardCases } from "./cases/forward.js";
import { refusedCases } from "./cases/refused.js";
import { untouchedCases } from "./cases/untouched.js";
import { runCases } from "./run-cases.js";

runCases([...forwardCases, ...untouchedCases, ...refusedCases]);
