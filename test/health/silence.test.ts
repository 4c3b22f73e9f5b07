// A server that says nothing at all: in a network namespace where an address leads nowhere, packets are lost as on a broken way.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { Check, Probe } from "#model/health.js";
import { probe } from "#control/health/probe.js";
import type { Verdict } from "#control/health/verdict.js";
import { inNetworkNamespace } from "#kernel/namespace.js";
import { whyNoLaboratory } from "#lab/requirements.js";
import { addNamespace, type TestNamespace } from "../packets/test-namespace.js";

const lacking = whyNoLaboratory();
const NOWHERE = { 4: "10.99.0.2", 6: "fd99::2" } as const;
const TIMEOUT_MILLISECONDS = 300;

describe("a server that is silent", lacking === undefined ? {} : { skip: lacking }, () => {
  let namespace: TestNamespace;
  before(() => {
    namespace = addNamespace();
    for (const line of [
      "link set lo up", "link add left type veth peer name right", "link set left up", "link set right up", "address add 10.99.0.1/24 dev left", "address add fd99::1/64 dev left nodad",
      // Somebody is known to be there, and is not.
      "neighbour add 10.99.0.2 lladdr 02:00:00:00:00:99 dev left", "neighbour add fd99::2 lladdr 02:00:00:00:00:99 dev left",
    ]) assert.equal(spawnSync("ip", ["-n", namespace.name, ...line.split(" ")]).status, 0, line);
  });
  after(() => namespace?.remove());

  /** With an interface, sockets are made at once: in the namespace, though what follows is not. */
  async function verdict(kind: Probe, family: 4 | 6): Promise<Verdict> {
    const check: Check = {
      ...kind, every: 10, timeout: 5, retries: 0, retryDelay: 1, warmup: 0,
      address: undefined, port: undefined, sourceAddress: undefined, sourcePort: undefined, sourceInterface: "left", mark: undefined,
    };
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort("no answer in time"), TIMEOUT_MILLISECONDS);
    const asked = inNetworkNamespace(namespace.path, () => probe(check, { address: NOWHERE[family], port: 80 }, controller.signal));
    return asked.finally(() => clearTimeout(timer));
  }

  for (const family of [4, 6] as const) {
    const name = family === 4 ? "10.99.0.2:80" : "[fd99::2]:80";
    test(`fails every check that waits for an answer by IPv${family}, when its time is over`, async () => {
      const kinds: readonly Probe[] = [{ type: "tcp" }, { type: "ping" }, { type: "smtp", helo: "x" }, { type: "dns", recordType: "SOA", name: "." }];
      const verdicts = await Promise.all(kinds.map((kind) => verdict(kind, family)));
      assert.deepEqual(verdicts, [
        `cannot connect to ${name}: no answer in time`, `cannot ping ${NOWHERE[family]}: no answer in time`, `cannot connect to ${name}: no answer in time`,
        `cannot ask ${name} for . SOA: no answer in time`,
      ].map((detail) => ({ healthy: false, detail })));
    });

    test(`is healthy to a check by UDP that waits for none, by IPv${family}`, async () => {
      assert.equal((await verdict({ type: "udp", payload: "00", reply: undefined }, family)).healthy, true);
      assert.equal((await verdict({ type: "udp", payload: "00", reply: { begins: undefined, lengthMin: 0, lengthMax: 10 } }, family)).healthy, false);
    });
  }

  test("its own address answers by IPv6 too", async () => {
    const controller = new AbortController();
    const check: Check = {
      type: "ping", every: 10, timeout: 5, retries: 0, retryDelay: 1, warmup: 0,
      address: undefined, port: undefined, sourceAddress: undefined, sourcePort: undefined, sourceInterface: undefined, mark: undefined,
    };
    const found = await inNetworkNamespace(namespace.path, () => probe(check, { address: "fd99::1", port: 0 }, controller.signal));
    assert.deepEqual(found, { healthy: true, detail: "fd99::1 answered a ping" });
  });
});
