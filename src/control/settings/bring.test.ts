import assert from "node:assert/strict";
import { test } from "node:test";
import { bringSettings, takeBack } from "./bring.js";
import { MemoryHost } from "./memory-host.js";
import type { Applied, Wanted } from "./setting.js";

const address = (text: string): Wanted => ({ setting: { kind: "address", interface: "lo", address: text, prefixLength: 32 }, value: "present" });
const sysctl = (name: string, value: string): Wanted => ({ setting: { kind: "sysctl", name }, value });

function machine(...values: Wanted[]) {
  const host = new MemoryHost(values);
  const lines: string[] = [];
  let applied: readonly Applied[] = [];
  const bring = () => ({ host, applied, save: (record: readonly Applied[]) => { applied = record; }, report: (line: string) => lines.push(line) });
  return {
    host, lines,
    recorded: () => applied,
    want: (...wanted: Wanted[]) => bringSettings(wanted, bring()),
    down: () => takeBack(applied, bring()),
  };
}

test("what is wanted is made, and taken back to what stood there before", async () => {
  const { host, want, down } = machine(sysctl("arp_ignore", "0"));
  await want(address("10.0.0.100"), sysctl("arp_ignore", "1"));
  assert.deepEqual(host.values(), ["address lo 10.0.0.100/32 present", "sysctl arp_ignore 1"]);
  await down();
  assert.deepEqual(host.values(), ["sysctl arp_ignore 0"]);
});

test("the same wish twice changes nothing the second time", async () => {
  const { want, lines } = machine();
  await want(address("10.0.0.100"));
  await want(address("10.0.0.100"));
  assert.equal(lines.length, 1);
});

test("what stood there already is not taken away by down", async () => {
  const { host, want, down } = machine(address("10.0.0.100"));
  await want(address("10.0.0.100"));
  await down();
  assert.deepEqual(host.values(), ["address lo 10.0.0.100/32 present"]);
});

test("a wish that is gone is taken back, the others stay", async () => {
  const { host, want } = machine();
  await want(address("10.0.0.100"), address("10.0.0.101"));
  await want(address("10.0.0.101"));
  assert.deepEqual(host.values(), ["address lo 10.0.0.101/32 present"]);
});

test("a value changed twice goes back to the first", async () => {
  const { host, want, down } = machine(sysctl("arp_ignore", "0"));
  await want(sysctl("arp_ignore", "1"));
  await want(sysctl("arp_ignore", "2"));
  await down();
  assert.deepEqual(host.values(), ["sysctl arp_ignore 0"]);
});

test("what somebody else changed since is theirs to keep", async () => {
  const { host, want, down, recorded } = machine(sysctl("arp_ignore", "0"));
  await want(sysctl("arp_ignore", "1"));
  host.write({ kind: "sysctl", name: "arp_ignore" }, "8");
  await down();
  assert.deepEqual(host.values(), ["sysctl arp_ignore 8"]);
  assert.deepEqual(recorded(), []);
});

test("a failure half-way takes back what this call made, not what an earlier one did", async () => {
  const { host, want, recorded } = machine(sysctl("arp_ignore", "0"));
  await want(address("10.0.0.100"));
  host.refuse = "sysctl arp_announce";
  await assert.rejects(want(address("10.0.0.100"), sysctl("arp_ignore", "1"), sysctl("arp_announce", "2")), /refused/);
  assert.deepEqual(host.values(), ["address lo 10.0.0.100/32 present", "sysctl arp_ignore 0"]);
  assert.equal(recorded().length, 1);
});

test("a change is on record before it is made", async () => {
  const { host, want, recorded } = machine();
  host.beforeWrite = () => assert.equal(recorded().length, 1);
  await want(address("10.0.0.100"));
});
