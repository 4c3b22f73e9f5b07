import assert from "node:assert/strict";
import { test } from "node:test";
import { notUnicast, readAddress, readEndpoint, readPrefix } from "./address.js";

test("addresses come out in their usual form", () => {
  assert.deepEqual(["10.0.0.1", "FD00:0:0::0001", "::ffff:10.0.0.1"].map((text) => readAddress(text)?.address), ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"]);
});

test("what is no address is none", () => {
  for (const text of ["", "10.0.0", "10.0.0.256", "010.0.0.1", "fe80::1%eth0", "[fd00::1]", "example.com", "1.2.3.4.5"]) assert.equal(readAddress(text), undefined, text);
});

test("an endpoint is an address, or one with a port", () => {
  const read = (text: string) => { const found = readEndpoint(text); return found && [found.address, found.family, found.port]; };
  assert.deepEqual(read("10.0.0.1"), ["10.0.0.1", 4, undefined]);
  assert.deepEqual(read("10.0.0.1:80"), ["10.0.0.1", 4, 80]);
  assert.deepEqual(read("fd00::1"), ["fd00::1", 6, undefined]);
  assert.deepEqual(read("[fd00::1]:80"), ["fd00::1", 6, 80]);
  for (const text of ["10.0.0.1:", "10.0.0.1:65536", "fd00::1]:80", "[10.0.0.1]:80", ":80", "host:80"]) assert.equal(read(text), undefined, text);
});

test("a prefix length fits its family, and is the whole address when it is not given", () => {
  assert.deepEqual(["10.0.0.1", "10.0.0.1/24", "fd00::1", "fd00::1/64"].map((text) => readPrefix(text)?.prefixLength), [32, 24, 128, 64]);
  for (const text of ["10.0.0.1/33", "10.0.0.1/", "10.0.0.1/24/8", "fd00::1/129"]) assert.equal(readPrefix(text), undefined, text);
});

test("servers are unicast", () => {
  for (const address of ["0.0.0.0", "224.0.0.1", "239.255.255.255", "255.255.255.255", "::", "ff02::1", "fe80::1"]) assert.notEqual(notUnicast(address), undefined, address);
  for (const address of ["10.0.0.1", "223.255.255.255", "fd00::1", "2001:db8::1", "127.0.0.1"]) assert.equal(notUnicast(address), undefined, address);
});
