import assert from "node:assert/strict";
import { test } from "node:test";
import type { Counters, DestinationState, ServiceState } from "#model/director.js";
import { formatStatus } from "./status.js";
import { formatCount, table } from "./table.js";

const NONE: Counters = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };
const destination = (address: string, changes: Partial<DestinationState>): DestinationState => ({
  address, port: 80, forward: "masq", weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none",
  activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, counters: NONE, rates: NONE, ...changes,
});
const SERVICE: ServiceState = {
  id: { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 80 }, scheduler: "wrr", schedulerFlags: 0, persistentSeconds: 300,
  netmask: "255.255.255.255", persistenceEngine: "", onePacket: false, counters: { ...NONE, connections: 1234567n }, rates: NONE,
  destinations: [destination("10.1.0.2", { weight: 0 }), destination("10.1.0.1", { upperThreshold: 3, activeConnections: 2, inactiveConnections: 1 })],
};
const TIMEOUTS = { tcp: 900, tcpFin: 120, udp: 300 };

test("the status shows interfaces with their reasons, services sorted, and how full the tables are", () => {
  const attachments = [{ interface: "eth0", hook: "xdp", reason: "virtio_net: frames from a wire" }] as const;
  const text = formatStatus({ attachments, connectionTables: [{ family: "IPv4", entriesUsed: 3, entriesMax: 262144 }, { family: "IPv6", entriesUsed: 0, entriesMax: 65536 }], verdicts: { notOurs: 12345, tableFull: 2 }, stateDirectory: "/run/weir/bpf/netns-1" }, [SERVICE], TIMEOUTS);
  assert.equal(text, `\
Interface  Hook  Why
eth0       xdp   virtio_net: frames from a wire

Service, destination  Scheduler, method         Weight  Active  Inactive  Connections  Packets in  Packets out  Bytes in  Bytes out
tcp 10.0.0.100:80     wrr, persistent 300 s                                 1,234,567           0            0         0          0
  10.1.0.1:80         nat                     1 (full)       2         1            0           0            0         0          0
  10.1.0.2:80         nat                    0 (drain)       0         0            0           0            0         0          0

Not forwarded  Packets
notOurs         12,345
tableFull            2

Connection table, IPv4: 3 of 262,144 entries used (0.0 %)
Connection table, IPv6: 0 of 65,536 entries used (0.0 %)
Timeouts: tcp 900 s, tcp after FIN 120 s, udp 300 s
State in the kernel: /run/weir/bpf/netns-1`);
});

test("a director without interfaces or services says so", () => {
  const text = formatStatus({ attachments: [], connectionTables: [], verdicts: {}, stateDirectory: "" }, [], TIMEOUTS);
  assert.match(text, /^Interfaces: none; nothing is forwarded \(weir apply FILE\)\n\nServices: none\n/);
});

test("columns are as wide as their widest cell, numbers stand to the right", () => {
  assert.equal(table(["Name", ">Count"], [["a", "1"], ["longer", "1000"]]), "Name    Count\na           1\nlonger   1000");
});

test("counts are grouped by three digits", () => {
  assert.deepEqual([0, 999, 1000, 12345678901234567890n].map(formatCount), ["0", "999", "1,000", "12,345,678,901,234,567,890"]);
});
