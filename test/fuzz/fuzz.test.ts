// A little of the fuzz of everything that people write (fuzz.long.test.ts has a hundred thousand). WEIR_SEED repeats a run.

import { test } from "node:test";
import { seedOfThisRun } from "../packets/random.js";
import { IMPORTED_FORMATS, fuzzImported } from "./imported-files.js";
import { fuzzIpvsadm } from "./ipvsadm-lines.js";
import { fuzzWeirYaml } from "./weir-yaml.js";

const seed = seedOfThisRun();
const INPUTS = 400;

test(`${2 * INPUTS} command lines that are nearly ipvsadm's, seed ${seed}`, () => fuzzIpvsadm(seed, 2 * INPUTS));
test(`${INPUTS} files that are nearly weir.yaml, seed ${seed}`, () => fuzzWeirYaml(seed, INPUTS));
for (const format of IMPORTED_FORMATS) test(`${INPUTS} files that are nearly ${format}'s, seed ${seed}`, () => fuzzImported(format, seed, INPUTS));
