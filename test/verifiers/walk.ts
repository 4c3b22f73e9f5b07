// Gives every program of the data plane to the verifier of the kernel that this runs on, for each shape: a line each.
//
//   node dist/out/test/verifiers/walk.js     PROGRAM SHAPE VERIFIED, or PROGRAM SHAPE and the verifier's words; status 1 when it refused one

import { BpfMap } from "#kernel/map.js";
import { loadProgram } from "#kernel/program.js";
import { PROGRAM_NAMES, programSpec } from "#control/programs.js";
import type { Shape } from "#control/shape.js";
import { mapSpecs } from "#control/shape.js";

const SIZES = { processors: 2, connections: 4096, connectionsIpv6: 4096 };
/** What the programs are compiled for: a kernel without what came since Linux 6.1, and one with all of it. */
const SHAPES: { readonly [name: string]: Shape } = {
  oldest: { ...SIZES, fibGivesSource: false, csumKnowsIpv6: false, tcx: false },
  newest: { ...SIZES, fibGivesSource: true, csumKnowsIpv6: true, tcx: true },
};

for (const name of process.argv.slice(2)) await walk(name, SHAPES[name]!);

async function walk(name: string, shape: Shape): Promise<void> {
  const maps = new Map(Array.from(mapSpecs(shape), ([map, spec]) => [map, BpfMap.create(spec)]));
  for (const program of PROGRAM_NAMES) {
    try {
      const loaded = loadProgram(await programSpec(program, shape), maps);
      console.log(`${program} ${name} ${loaded.info().verifiedInstructions}`);
      loaded.close();
    } catch (error) {
      console.log(`${program} ${name} ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
  for (const map of maps.values()) map.close();
}
