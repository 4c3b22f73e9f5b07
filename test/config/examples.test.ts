// The sample configurations of the documentation mean what their comments say.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { parseConfig } from "#model/config.js";
import { formatMethod, formatServiceId } from "#model/names.js";

// Compiled, this file is dist/out/test/config/examples.test.js.
const folder = new URL("../../../../docs/examples/", import.meta.url);
const read = (name: string) => parseConfig(readFileSync(new URL(name, folder), "utf8"), { file: name, interfaces: ["eth0", "eth1"], schedulers: ["rr", "wrr"] });

test("every sample configuration is one of a method, and only of that", () => {
  const methods = readdirSync(folder).sort().map((name) => {
    const destinations = read(name).services.flatMap((service) => service.destinations);
    return [name, ...new Set(destinations.map(({ forward }) => formatMethod(forward)))];
  });
  assert.deepEqual(methods, [["dr.yaml", "dr"], ["nat.yaml", "nat"], ["tun.yaml", "tun"]]);
});

test("the sample for NAT maps port 80 to 8080", () => {
  const [service] = read("nat.yaml").services;
  assert.deepEqual(service!.destinations.map(({ port, weight }) => [port, weight]), [[8080, 1], [8080, 3], [8080, 0]]);
});

test("the sample for DR has three services on one VIP, which is put up once", () => {
  const { services, addresses } = read("dr.yaml");
  assert.deepEqual(services.map(({ id }) => formatServiceId(id)), ["tcp 10.0.0.100:80", "tcp 10.0.0.100:443", "udp 10.0.0.100:53"]);
  assert.deepEqual(addresses, [{ address: "10.0.0.100", prefixLength: 32, interface: "eth0" }]);
});

test("the sample for TUN says how large the connection table is", () => {
  assert.equal(read("tun.yaml").tableEntries, 262144);
});
