// Gives every program of the data plane, compiled for the oldest kernel, to the verifier of the kernel that this runs on: a line each.
//
//   node dist/out/test/verifiers/walk.js     PROGRAM VERIFIED, or PROGRAM and the verifier's words; status 1 when it refused one

import { BpfMap } from "#kernel/map.js";
import { loadProgram } from "#kernel/program.js";
import { PROGRAM_NAMES, programSpec } from "#control/programs.js";
import type { Shape } from "#control/shape.js";
import { mapSpecs } from "#control/shape.js";

/** A kernel without what came since Linux 6.1. */
const SHAPE: Shape = { processors: 2, connections: 4096, connectionsIpv6: 4096, destinations: 2 ** 14, fibGivesSource: false, csumKnowsIpv6: false, tcx: false };

const maps = new Map(Array.from(mapSpecs(SHAPE), ([name, spec]) => [name, BpfMap.create(spec)]));
for (const program of PROGRAM_NAMES) {
  try {
    const loaded = loadProgram(await programSpec(program, SHAPE), maps);
    console.log(`${program} ${loaded.info().verifiedInstructions}`);
    loaded.close();
  } catch (error) {
    console.log(`${program} ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
for (const map of maps.values()) map.close();
