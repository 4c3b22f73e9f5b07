// The IPv4 default route of metric 0, which goes before all others, so that a route of DHCP's (metric 100 and more)
// stands behind it untouched. Its value is what follows "default" in iproute2's words: "via 10.0.0.1 dev eth0".

import { runCommand } from "#kernel/command.js";
import type { Setting, SettingKind } from "./setting.js";

export const defaultRoute: SettingKind<Extract<Setting, { kind: "defaultRoute" }>> = {
  read,

  write(_setting, value) {
    const now = read();
    if (value !== null) {
      runCommand("ip", ["-4", "route", "replace", "default", ...value.split(" ")], { attempted: `set the default route to ${value}` });
    } else if (now !== null) {
      runCommand("ip", ["-4", "route", "delete", "default", ...now.split(" ")], { attempted: "remove the default route" });
    }
  },

  describe(_setting, value) {
    return value === null ? "default route: removed" : `default route: set to ${value}`;
  },
};

function read(): string | null {
  // One line a route; the hops of a route with several are parted by backslashes.
  const lines = runCommand("ip", ["-4", "-o", "route", "show", "default"], { attempted: "read the default route" }).split("\n");
  const line = lines.find((candidate) => candidate.startsWith("default ") && !/ metric \d/.test(candidate));
  // What iproute2 adds about the device's state is not part of the route.
  return line?.slice("default ".length).replaceAll("\\", " ").replace(/\b(linkdown|dead)\b/g, "").replace(/\s+/g, " ").trim() ?? null;
}
