import assert from "node:assert/strict";
import { test } from "node:test";
import { namespacesLack, withNamespace } from "./_privileges.js";
import { runCommand } from "./command.js";
import { KernelError } from "./errors.js";
import { inNetworkNamespace, networkNamespaceCookie } from "./namespace.js";
import { addAddress, addresses, driverOf, interfaceByName, interfaces, neighbours, readSysctl, removeAddress, routes, routeTo, writeSysctl } from "./network.js";

const skip = namespacesLack;
const inside = (name: string, use: () => void) => withNamespace(name, (path) => inNetworkNamespace(path, use));
const code = (wanted: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KernelError);
  assert.equal(error.code, wanted);
  assert.match(error.message, message);
  return true;
};

test("the interfaces are those of the namespace that the process is in, without /sys", { skip }, () => inside("interfaces", () => {
  runCommand("ip", ["link", "set", "left", "address", "02:00:00:00:00:07", "mtu", "1400"], { attempted: "test" });
  assert.deepEqual(interfaces().map(({ name, up, loopback }) => [name, up, loopback]), [["lo", true, true], ["right", true, false], ["left", true, false]]);
  const { mac, mtu } = interfaceByName("left");
  assert.deepEqual([mac, mtu, driverOf("left"), driverOf("lo")], ["02:00:00:00:00:07", 1400, "veth", undefined]);
  assert.throws(() => interfaceByName("eth7"), code("NOT_FOUND", /^Cannot use interface "eth7": there is no such interface in this network namespace; there are lo, right, left$/));
}));

test("every namespace has a cookie of its own, and the process comes back from where it was", { skip }, () => {
  const home = networkNamespaceCookie();
  inside("cookie", () => assert.notEqual(networkNamespaceCookie(), home));
  assert.equal(networkNamespaceCookie(), home);
});

test("a VIP is added once, with its label, and removed once", { skip }, () => inside("vip", () => {
  assert.equal(addAddress("lo", "10.0.0.100", 32, { label: "lo:weir" }), true);
  assert.equal(addAddress("lo", "10.0.0.100", 32), false);
  assert.equal(addAddress("left", "fd00::100", 128), true);
  assert.deepEqual(addresses("lo").filter(({ address }) => address === "10.0.0.100"),
    [{ interface: "lo", family: 4, address: "10.0.0.100", prefixLength: 32, scope: "global", label: "lo:weir" }]);
  assert.ok(addresses().some(({ address, family }) => address === "fd00::100" && family === 6));
  assert.equal(removeAddress("lo", "10.0.0.100"), true);
  assert.equal(removeAddress("lo", "10.0.0.100"), false);
  assert.equal(removeAddress("left", "fd00::100"), true);
}));

test("routes and neighbours are found", { skip }, () => inside("routes", () => {
  addAddress("left", "10.1.0.1", 24);
  runCommand("ip", ["route", "add", "default", "via", "10.1.0.2"], { attempted: "test" });
  runCommand("ip", ["neighbour", "add", "10.1.0.2", "lladdr", "02:00:00:00:00:02", "dev", "left"], { attempted: "test" });
  assert.deepEqual(routes(4).map(({ destination, gateway, interface: device }) => [destination, gateway, device]),
    [["default", "10.1.0.2", "left"], ["10.1.0.0/24", undefined, "left"]]);
  assert.deepEqual(routeTo("192.0.2.1"), { destination: "192.0.2.1", gateway: "10.1.0.2", interface: "left", source: "10.1.0.1", type: "unicast" });
  assert.deepEqual(neighbours("left"), [{ address: "10.1.0.2", interface: "left", mac: "02:00:00:00:00:02", states: ["PERMANENT"] }]);
  assert.throws(() => routeTo("fd99::1"), code("NOT_FOUND", /^Cannot find the route to fd99::1: the network is unreachable; add a route to it$/));
}));

test("a sysctl is written in this namespace, and the old value given back", { skip }, () => inside("sysctl", () => {
  assert.equal(writeSysctl("net/ipv4/conf/left/arp_ignore", "1"), "0");
  assert.equal(readSysctl("net/ipv4/conf/left/arp_ignore"), "1");
  assert.throws(() => readSysctl("net/ipv4/conf/eth7/arp_ignore"), code("NOT_FOUND", /^Cannot read sysctl net.ipv4.conf.eth7.arp_ignore: /));
  assert.throws(() => writeSysctl("net/ipv4/conf/left/arp_ignore", "many"), code("INVALID", /the kernel refuses the value/));
}));

test("a command that fails is quoted with its answer", { skip }, () => {
  assert.throws(() => addAddress("eth7", "10.0.0.1", 32), code("COMMAND_FAILED", /^Cannot list the addresses: "ip .*" answered: Device "eth7" does not exist\.$/));
});

test("a command that is not installed is named with its package", { skip }, () => {
  const path = process.env.PATH;
  process.env.PATH = "/nonexistent";
  try {
    assert.throws(() => addresses(), code("COMMAND_MISSING", /the command "ip" is not installed; install the package iproute2$/));
  } finally {
    process.env.PATH = path;
  }
});
