import assert from "node:assert/strict";
import { test } from "node:test";
import { namedEndpoints, numericEndpoint, parseEndpoint } from "./endpoint.js";
import type { Names } from "./names.js";
import { ServiceTable } from "./names.js";

const services = new ServiceTable("# comment\nhttp\t80/tcp\twww # WorldWideWeb\nsecond 80/tcp\ndomain 53/tcp\ndomain 53/udp\nbroken\nalso/broken\n");
const LONG = "an-extremely-long-host-name-that-goes-on-and-on-for-more-than-sixty-characters.example.org";
const hosts: Readonly<Record<string, string>> = { "10.5.0.1": "short", "10.5.0.4": LONG, "fd05::1": "six", "fd05::4": LONG };
const names: Names = {
  hostToAddress: async (host) => Object.entries(hosts).find(([address, name]) => name === host && !address.includes(":"))?.[0],
  addressToHost: async (address) => hosts[address],
  serviceToPort: (service, protocol) => services.port(service, protocol),
  portToService: (port, protocol) => services.service(port, protocol),
};

test("a service has its first name and answers to all", () => {
  assert.equal(services.service(80, "tcp"), "http");
  assert.equal(services.port("www", "tcp"), 80);
  assert.equal(services.port("second", "tcp"), 80);
  assert.equal(services.port("http", "udp"), undefined);
  assert.equal(services.service(53, "udp"), "domain");
  assert.equal(services.service(53, "sctp"), undefined);
});

test("hosts and ports are found by name", async () => {
  assert.deepEqual(await parseEndpoint("short:www", "tcp", names), { address: "10.5.0.1", family: 4, port: 80 });
  assert.deepEqual(await parseEndpoint("[fd05::1]:http", "tcp", names), { address: "fd05::1", family: 6, port: 80 });
  assert.equal(await parseEndpoint("six:80", "tcp", names), undefined);
});

test("endpoints are written with names where there are any", async () => {
  const endpoint = await namedEndpoints(["10.5.0.1", "10.5.0.9", "fd05::1"], names);
  assert.equal(endpoint({ address: "10.5.0.1", port: 80 }, "tcp"), "short:http");
  assert.equal(endpoint({ address: "10.5.0.9", port: 81 }, "tcp"), "10.5.0.9:81");
  assert.equal(endpoint({ address: "fd05::1", port: 80 }, "tcp"), "[six]:http");
  assert.equal(endpoint({ address: "10.5.0.1", port: 80 }, undefined), "short:80");
  assert.equal(numericEndpoint({ address: "fd05::1", port: 80 }, "tcp"), "[fd05::1]:80");
});

test("long names are cut where the real ipvsadm's buffer ends", async () => {
  const endpoint = await namedEndpoints(["10.5.0.4", "fd05::4"], names);
  assert.equal(endpoint({ address: "10.5.0.4", port: 8443 }, "tcp"), "an-extremely-long-host-name-that-goes-on-and-on-for-more-th");
  assert.equal(endpoint({ address: "fd05::4", port: 443 }, "tcp"), "[an-extremely-long-host-name-that-goes-on-and-on-for-more-t");
});
