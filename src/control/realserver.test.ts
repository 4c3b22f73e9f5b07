import assert from "node:assert/strict";
import { test } from "node:test";
import { ControlError } from "./errors.js";
import type { Machine } from "./realserver-machine.js";
import { checkPlan, planSettings } from "./realserver-plan.js";
import type { RealServerPlan, RealServerRecord } from "./realserver.js";
import { realServerDown, realServerStatus, realServerUp } from "./realserver.js";
import type { RecordFile } from "./record.js";
import { MemoryHost } from "./settings/memory-host.js";
import { nameOf } from "./settings/setting.js";

const SERVER: Machine = {
  interfaces: [{ name: "lo", answersArp: false }, { name: "eth0", answersArp: true }],
  addresses: [{ interface: "lo", address: "127.0.0.1", prefixLength: 8 }, { interface: "eth0", address: "192.168.1.11", prefixLength: 24 }],
  gateway: "192.168.1.254",
  hasIpipDevice: false,
  sysctl: () => "0",
};
const DR: RealServerPlan = { method: "dr", vips: ["10.0.0.100"], device: undefined, gateway: undefined };
const TUN: RealServerPlan = { ...DR, method: "tun" };
const NAT: RealServerPlan = { ...DR, method: "nat" };

const settings = (plan: RealServerPlan, machine: Machine) => planSettings(plan, machine).map(({ setting, value }) => `${nameOf(setting)} = ${value}`);

test("by dr ARP is silenced before the VIP is hidden on the loopback", () => {
  assert.deepEqual(settings(DR, SERVER), [
    "sysctl net/ipv4/conf/all/arp_ignore = 1", "sysctl net/ipv4/conf/all/arp_announce = 2",
    "sysctl net/ipv4/conf/eth0/arp_ignore = 1", "sysctl net/ipv4/conf/eth0/arp_announce = 2",
    "address lo 10.0.0.100/32 = present",
  ]);
});

test("an IPv6 VIP needs no silence, and stands as /128", () => {
  assert.deepEqual(settings({ ...DR, vips: ["fd00::100"] }, SERVER), ["address lo fd00::100/128 = present"]);
});

test("stricter ARP settings than needed stay, weaker ones do not", () => {
  const values: { readonly [name: string]: string } = { "net/ipv4/conf/all/arp_ignore": "8", "net/ipv4/conf/eth0/arp_ignore": "3" };
  const [all, , eth0] = settings(DR, { ...SERVER, sysctl: (name) => values[name] ?? "0" });
  assert.deepEqual([all, eth0], ["sysctl net/ipv4/conf/all/arp_ignore = 8", "sysctl net/ipv4/conf/eth0/arp_ignore = 1"]);
});

test("by tun without an IPIP device weir takes the packets out of their tunnels itself", () => {
  assert.deepEqual(settings(TUN, SERVER).slice(4), ["decapsulation eth0 = 10.0.0.100 at 192.168.1.11", "address lo 10.0.0.100/32 = present"]);
});

test("where the reverse path is checked strictly, decapsulated packets are let in loosely", () => {
  const strict: Machine = { ...SERVER, sysctl: (name) => (name.endsWith("all/rp_filter") ? "1" : "0") };
  assert.ok(settings(TUN, strict).includes("sysctl net/ipv4/conf/eth0/rp_filter = 2"));
});

test("by tun with an IPIP device that is used, and holds the VIP", () => {
  const machine = { ...SERVER, hasIpipDevice: true };
  assert.deepEqual(settings(TUN, machine).slice(4), ["link tunl0 = up", "sysctl net/ipv4/conf/tunl0/rp_filter = 2", "address tunl0 10.0.0.100/32 = present"]);
  assert.match(checkPlan({ ...TUN, device: "lo" }, machine).join(), /leave --device lo away/);
});

test("by nat the director becomes the default route, on the interface in whose network it is", () => {
  assert.deepEqual(settings({ ...NAT, gateway: "192.168.1.1" }, SERVER), ["defaultRoute = via 192.168.1.1 dev eth0"]);
  assert.deepEqual(settings(NAT, SERVER), []);
});

const REFUSED: readonly [string, RealServerPlan, Machine, RegExp][] = [
  ["an unknown device", { ...DR, device: "lo1" }, SERVER, /no interface "lo1" here; there are lo, eth0/],
  ["a device that answers ARP", { ...DR, device: "eth0" }, SERVER, /"eth0" would answer ARP/],
  ["a VIP that stands on an interface already", { ...DR, vips: ["192.168.1.11"] }, SERVER, /ip address del 192.168.1.11 dev eth0/],
  ["an IPv6 VIP by tun", { ...TUN, vips: ["fd00::100"] }, SERVER, /use method dr/],
  ["a VIP on a real server by nat", { ...NAT, vips: ["192.168.1.11"] }, SERVER, /is the director's alone/],
  ["no way back by nat", NAT, { ...SERVER, gateway: undefined }, /--gateway/],
  ["a gateway out of reach", { ...NAT, gateway: "192.168.2.1" }, SERVER, /in no network/],
  ["itself as the gateway", { ...NAT, gateway: "192.168.1.11" }, SERVER, /this machine's own/],
];
for (const [what, plan, machine, message] of REFUSED) {
  test(`${what} is refused with what would work`, () => assert.match(checkPlan(plan, machine).join("\n"), message));
}

function server() {
  let value: RealServerRecord | undefined;
  const record: RecordFile<RealServerRecord> = { path: "memory", read: () => value, write: (next) => { value = next; }, remove: () => { value = undefined; } };
  const host = new MemoryHost();
  for (const name of ["all/arp_ignore", "all/arp_announce", "eth0/arp_ignore", "eth0/arp_announce"]) host.write({ kind: "sysctl", name: `net/ipv4/conf/${name}` }, "0");
  return { host, record, report: () => {} };
}

test("down takes back what up changed, and a second down has nothing to do", async () => {
  const parts = server();
  const before = parts.host.values();
  await realServerUp(DR, SERVER, parts);
  assert.notDeepEqual(parts.host.values(), before);
  await realServerDown(parts);
  await realServerDown(parts);
  assert.deepEqual(parts.host.values(), before);
  assert.equal(realServerStatus(parts), undefined);
});

test("up with another VIP replaces the one from before", async () => {
  const parts = server();
  await realServerUp(DR, SERVER, parts);
  await realServerUp({ ...DR, vips: ["10.0.0.101"] }, SERVER, parts);
  assert.deepEqual(parts.host.values().filter((line) => line.startsWith("address")), ["address lo 10.0.0.101/32 present"]);
});

test("an up that fails leaves machine and notes as they were", async () => {
  const parts = server();
  const before = parts.host.values();
  parts.host.refuse = "address lo 10.0.0.100/32";
  await assert.rejects(realServerUp(DR, SERVER, parts), /refused/);
  assert.deepEqual(parts.host.values(), before);
  assert.equal(parts.record.read(), undefined);
});

test("a plan that cannot work changes nothing", async () => {
  const parts = server();
  await assert.rejects(realServerUp({ ...DR, device: "eth0" }, SERVER, parts), ControlError);
  assert.equal(parts.record.read(), undefined);
});

test("status tells what somebody else changed since", async () => {
  const parts = server();
  await realServerUp(DR, SERVER, parts);
  parts.host.write({ kind: "sysctl", name: "net/ipv4/conf/all/arp_ignore" }, "0");
  const broken = realServerStatus(parts)?.settings.filter(({ holds }) => !holds).map(({ line }) => line);
  assert.deepEqual(broken, ["sysctl net/ipv4/conf/all/arp_ignore: 1"]);
});
