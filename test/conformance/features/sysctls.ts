// Sysctls that decide about single packets and connections change under way.

import type { SysctlName } from "#model/sysctls.js";
import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Step } from "../script.js";

/** Values that each is set to, its default more than once: what is switched on is switched off again. */
const VALUES: readonly (readonly [SysctlName, readonly number[]])[] = [
  ["conn_reuse_mode", [0, 1, 1, 2, 3]], ["expire_nodest_conn", [0, 0, 1]], ["expire_quiescent_template", [0, 1]], ["sloppy_tcp", [0, 1]], ["secure_tcp", [0, 0, 3]],
];

export const sysctls: Feature = {
  name: "sysctls",
  moves: [{ weight: 25, make: set }],
};

function set({ random }: Scene): readonly Step[] {
  const [name, values] = random.pick(VALUES);
  return [{ kind: "sysctl", name, value: random.pick(values) }];
}
