// Which interfaces take frames that XDP redirects to them: Linux Documentation/netlink/specs/netdev.yaml, since Linux 6.3.

import { dumpGeneric, numberOf } from "./generic-netlink.js";

const FAMILY = "netdev";
const NETDEV_CMD_DEV_GET = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;
/** Linux include/uapi/linux/netdev.h: the driver's ndo_xdp_xmit() works now. It may need a program of its own there first, or its peer one. */
const NETDEV_XDP_ACT_NDO_XMIT = 1n << 2n;

/** Their indexes; undefined where the kernel does not say. What is redirected to any other is lost without a word. */
export function xdpTransmitters(): ReadonlySet<number> | undefined {
  const devices = dumpGeneric(FAMILY, NETDEV_CMD_DEV_GET);
  if (devices === undefined) return undefined;
  const transmitters = devices.filter((device) => (numberOf(device.get(NETDEV_A_DEV_XDP_FEATURES)!) & NETDEV_XDP_ACT_NDO_XMIT) !== 0n);
  return new Set(transmitters.map((device) => Number(numberOf(device.get(NETDEV_A_DEV_IFINDEX)!))));
}
