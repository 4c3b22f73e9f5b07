import assert from "node:assert/strict";
import { test } from "node:test";
import type { Counters, DestinationState, ServiceState } from "#model/director.js";
import type { EndpointFormat } from "./endpoint.js";
import { numericEndpoint } from "./endpoint.js";
import { exactCount, shortCount } from "./layouts.js";
import { formatServices } from "./list.js";
import type { OptionName } from "./options.js";

test("a count takes nine characters, in thousands and more from the ninth digit on", () => {
  const shown: readonly [bigint, string][] = [
    [0n, "        0"], [1_141_234n, "  1141234"], [99_999_999n, " 99999999"], [100_000_000n, "  100000K"], [101_587_999n, "  101587K"],
    [999_999_999n, "  999999K"], [1_000_000_000n, "    1000M"], [99_999_999_999n, "   99999M"], [100_000_000_000n, "     100G"],
    [99_999_999_999_999n, "   99999G"], [100_000_000_000_000n, "     100T"], [2n ** 64n - 1n, " 18446744T"],
  ];
  for (const [count, text] of shown.slice(0, -1)) assert.equal(shortCount(count), text);
  assert.equal(shortCount(2n ** 64n - 1n), "18446744T");
});

test("an exact count takes what it needs, and always a blank before it", () => {
  assert.equal(exactCount(1n), "        1");
  assert.equal(exactCount(12_345_678n), " 12345678");
  assert.equal(exactCount(2n ** 64n - 1n), " 18446744073709551615");
});

const many: Counters = { connections: 123_456_789n, packetsIn: 1_234_567_890n, packetsOut: 12n, bytesIn: 123_456_789_012n, bytesOut: 0n };
const destination: DestinationState = {
  address: "10.1.0.11", port: 80, forward: "masq", weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none",
  activeConnections: 123, inactiveConnections: 4_294_967_295, persistentConnections: 7, counters: many, rates: many,
};
const service: ServiceState = {
  id: { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 80 }, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0,
  netmask: "255.255.255.255", persistenceEngine: "", onePacket: false, counters: many, rates: many, destinations: [destination],
};

/** Without the heading. */
function lines(...options: OptionName[]): string[] {
  return formatServices([service], new Set(options), numericEndpoint).split("\n").slice(2, -1);
}

test("statistics shorten all counts, and show them whole with --exact", () => {
  assert.deepEqual(lines("stats"), [
    "TCP  10.0.0.100:80                 123456K    1234M       12     123G        0",
    "  -> 10.1.0.11:80                  123456K    1234M       12     123G        0",
  ]);
  assert.deepEqual(lines("stats", "exact"), [
    "TCP  10.0.0.100:80                123456789 1234567890       12 123456789012        0",
    "  -> 10.1.0.11:80                 123456789 1234567890       12 123456789012        0",
  ]);
});

test("rates of a server are shortened for bytes only", () => {
  assert.deepEqual(lines("rate"), [
    "TCP  10.0.0.100:80                 123456K    1234M       12     123G        0",
    "  -> 10.1.0.11:80                 123456789 1234567890       12     123G        0",
  ]);
});

test("numbers wider than their column push the rest aside", () => {
  assert.deepEqual(lines(), ["TCP  10.0.0.100:80 rr", "  -> 10.1.0.11:80                 Masq    1      123        4294967295"]);
});

test("IPv4 names are cut to their column, IPv6 names are not", () => {
  const named: EndpointFormat = ({ address }) => (address.includes(":") ? "[a-rather-long-ipv6-host-name.example.com]:http" : "a-rather-long-host-name.example.com:http");
  const both = { ...service, destinations: [destination, { ...destination, address: "::5", forward: "tunnel" as const }] };
  assert.deepEqual(formatServices([both], new Set(), named).split("\n").slice(2, -1), [
    "TCP  a-rather-long-host-name.exam rr",
    "  -> [a-rather-long-ipv6-host-name.example.com]:http Tunnel  1      123        4294967295",
    "  -> a-rather-long-host-name.exam Masq    1      123        4294967295",
  ]);
});
