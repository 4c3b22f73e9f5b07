// A kernel parameter under /proc/sys. Its value is the text that stands there.

import { KernelError } from "#kernel/errors.js";
import { readSysctl, writeSysctl } from "#kernel/network.js";
import type { Setting, SettingKind } from "./setting.js";

export const sysctl: SettingKind<Extract<Setting, { kind: "sysctl" }>> = {
  read({ name }) {
    try {
      return readSysctl(name);
    } catch (error) {
      // Its interface went away, and the parameter with it.
      if (error instanceof KernelError && error.code === "NOT_FOUND") return null;
      throw error;
    }
  },

  write({ name }, value) {
    if (value !== null) writeSysctl(name, value);
  },

  describe({ name }, value) {
    return `sysctl ${name.split("/").join(".")}: set to ${value}`;
  },
};
