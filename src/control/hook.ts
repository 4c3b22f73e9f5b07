// Which hook weir takes on an interface, and why.

import { driverOf } from "#kernel/network.js";
import type { AttachMode } from "#model/config.js";
import type { Hook } from "./plane.js";

export interface HookChoice {
  readonly hook: Hook;
  readonly reason: string;
}

/** Devices without a wire: their packets are super-packets with partial checksums, which XDP would have to break up. */
export const VIRTUAL_DRIVERS = new Set(["veth", "bridge", "tun", "macvlan", "ipvlan", "vxlan", "bonding", "802.1Q VLAN Support", "dummy"]);

export function chooseHook(interfaceName: string, mode: AttachMode): HookChoice {
  if (mode !== "auto") return { hook: mode, reason: "as configured" };
  const driver = driverOf(interfaceName);
  if (driver === undefined) return { hook: "tc", reason: "its driver does not name itself" };
  if (VIRTUAL_DRIVERS.has(driver)) return { hook: "tc", reason: `${driver}: TC keeps super-packets and partial checksums whole` };
  return { hook: "xdp", reason: `${driver}: frames from a wire are forwarded before the kernel makes packets of them` };
}
