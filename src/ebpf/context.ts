// What a program's argument looks like to the program, and to BPF_PROG_TEST_RUN: Linux include/uapi/linux/bpf.h,
// struct xdp_md and struct __sk_buff. Fields have names of ours; offsets are the kernel's.

import { u32, u64, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";

/** At XDP. data and dataEnd are addresses to a program (loaded by 32 bits), offsets in a test run. */
export const XdpMd = struct("xdp_md", {
  data: u32, dataEnd: u32, dataMeta: u32, ingressIfindex: u32, rxQueueIndex: u32, egressIfindex: u32,
}, { size: 24 });

/** At TC, and for socket filters. */
export const SkBuff = struct("__sk_buff", {
  length: u32, packetType: u32, mark: u32, queueMapping: u32, protocol: u32, vlanPresent: u32, vlanTci: u32, vlanProtocol: u32, priority: u32,
  ingressIfindex: u32, ifindex: u32, tcIndex: u32, cb: array(u32, 5), hash: u32, tcClassid: u32, data: u32, dataEnd: u32, napiId: u32,
  family: u32, remoteIp4: u32, localIp4: u32, remoteIp6: array(u32, 4), localIp6: array(u32, 4), remotePort: u32, localPort: u32,
  dataMeta: u32, flowKeys: u64, timestamp: u64, wireLength: u32, gsoSegments: u32, socket: u64, gsoSize: u32, timestampType: u8,
  padding: array(u8, 3), hardwareTimestamp: u64,
}, { size: 192 });
