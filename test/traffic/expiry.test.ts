// Connections end when they have been idle for long enough, with no process of weir's alive; their entries and counts go.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";

const SECONDS = 2;
/** The walk round the table takes half a second, the clock counts in 67 ms, and a busy machine is late. */
const LATEST_SECONDS = SECONDS + 2;

describe("expiry", needs, () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("dr");
    await bed.serve({ http: [80, 81], udp: [53] });
    const { topology } = bed;
    await bed.up({ services: [service(topology), service(topology, { port: 81, servers: [1] }), service(topology, { protocol: "udp", port: 53 })] });
    await bed.tell(`--set ${SECONDS} ${SECONDS} ${SECONDS}`);
  });
  after(() => bed?.close());

  test("idle connections of all services vanish, those in use stay", async () => {
    const { client, topology: { vip: address } } = bed;
    const session = await client.openSession({ address, port: 80 });
    await client.sessionGet(session);
    await client.distribution({ address, port: 80, count: 3 });
    await client.distribution({ address, port: 81, count: 2 });
    await client.udpEcho({ address, port: 53 });
    const before = await bed.tell("-Lnc");
    assert.deepEqual(counts(before), { "203.0.113.100:80": 4, "203.0.113.100:81": 2, "203.0.113.100:53": 1 });
    assert.match(before, /^TCP 00:0[01] +ESTABLISHED 198\.51\.100\.10:\d+ /m);
    assert.match(before, /^UDP 00:0[01] +UDP +198\.51\.100\.10:\d+ /m);
    assert.equal(sum(await bed.tell("-Ln"), "inactive"), 6);

    const end = performance.now() + LATEST_SECONDS * 1000;
    while (performance.now() < end) {
      await client.sessionGet(session);
      await delay(100);
    }
    assert.deepEqual(counts(await bed.tell("-Lnc")), { "203.0.113.100:80": 1 });
    const listed = await bed.tell("-Ln");
    assert.deepEqual([sum(listed, "active"), sum(listed, "inactive")], [1, 0]);

    await client.close(session);
    await delay(LATEST_SECONDS * 1000);
    assert.deepEqual(counts(await bed.tell("-Lnc")), {});
    const empty = await bed.tell("-Ln");
    assert.deepEqual([sum(empty, "active"), sum(empty, "inactive")], [0, 0]);
  });
});

/** Entries of `ipvsadm -Lnc` by their virtual end. */
function counts(list: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [, virtual = ""] of list.matchAll(/^(?:TCP|UDP) +\S+ +\S+ +\S+ +(\S+) /gm)) found[virtual] = (found[virtual] ?? 0) + 1;
  return found;
}

/** Of all destinations in `ipvsadm -Ln`. */
function sum(list: string, column: "active" | "inactive"): number {
  const rows = [...list.matchAll(/^ {2}-> \d\S+ +\S+ +\d+ +(\d+) +(\d+)/gm)];
  return rows.reduce((total, [, active, inactive]) => total + Number(column === "active" ? active : inactive), 0);
}
