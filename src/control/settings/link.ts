// Whether an interface is up. Its value is "up" or "down".

import { runCommand } from "#kernel/command.js";
import { interfaces } from "#kernel/network.js";
import type { Setting, SettingKind } from "./setting.js";

export const link: SettingKind<Extract<Setting, { kind: "link" }>> = {
  read({ interface: name }) {
    const found = interfaces().find((candidate) => candidate.name === name);
    return found === undefined ? null : found.up ? "up" : "down";
  },

  write({ interface: name }, value) {
    if (value !== null) runCommand("ip", ["link", "set", "dev", name, value], { attempted: `set interface "${name}" ${value}` });
  },

  describe({ interface: name }, value) {
    return `interface ${name}: set ${value}`;
  },
};
