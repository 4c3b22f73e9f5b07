import assert from "node:assert/strict";
import { test } from "node:test";
import type { Destination, ServiceId } from "#model/director.js";
import { programNames } from "./programs.js";
import { usesOf } from "./uses.js";

const IPV4: ServiceId = { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 80 };
const IPV6: ServiceId = { ...IPV4, address: "fd00::100" };
/** The director's addresses. */
const OWN = ["10.0.0.100", "fd00::100", "10.1.0.1"];
const uses = (id: ServiceId, address: string, forward: Destination["forward"], tunnelType: Destination["tunnelType"] = "ipip") =>
  [...usesOf([{ id, persistenceEngine: "", destinations: [{ address, forward, tunnelType }] }], (one) => OWN.includes(one))].sort();

test("services that forward by NAT or DR need no more than their family's programs", () => {
  assert.deepEqual(uses(IPV4, "10.1.0.11", "masq"), ["own"]);
  assert.deepEqual(uses(IPV6, "fd01::11", "route"), ["ipv6"]);
});

test("a server by NAT that is the director itself needs the program that meets its answers as they leave; by another method it needs nothing", () => {
  assert.deepEqual(uses(IPV4, "10.1.0.1", "masq"), ["egress", "own"]);
  assert.deepEqual(uses(IPV4, "10.1.0.1", "route"), []);
});

test("a VIP that is no address of the director's needs the programs that meet its own clients, at the egress and at the loopback", () => {
  assert.deepEqual(uses({ ...IPV4, address: "10.0.0.101" }, "10.1.0.11", "route"), ["egress", "own"]);
  assert.deepEqual(uses({ kind: "fwmark", fwmark: 1, family: 4 }, "10.1.0.11", "route").filter((use) => use === "egress" || use === "own"), []);
});

test("a tunnel needs the program that hears of errors about its packets, of the tunnel's family too", () => {
  assert.deepEqual(uses(IPV4, "10.1.0.11", "tunnel"), ["relays"]);
  assert.deepEqual(uses(IPV4, "10.1.0.11", "tunnel", "gue"), ["relays", "tunnels"]);
  assert.deepEqual(uses(IPV4, "fd01::11", "tunnel"), ["ipv6", "relays", "tunnels"]);
  assert.deepEqual(uses(IPV6, "10.1.0.11", "tunnel"), ["ipv6", "relays", "tunnels"]);
});

test("programs that nobody needs are not loaded", () => {
  assert.deepEqual(programNames(new Set(), false), ["weir_tc", "weir_tc_icmp", "weir_tc_frag", "weir_tc_cut", "weir_start"]);
  assert.deepEqual(programNames(new Set(["relays"]), false), ["weir_tc", "weir_tc_icmp", "weir_tc_relay", "weir_tc_frag", "weir_tc_cut", "weir_start"]);
  assert.ok(programNames(new Set(["ipv6", "relays"]), true).includes("weir_tc6_relay"));
});
