// A transfer that is under way goes on, whatever becomes of weir's processes and programs: a download that stands in the
// middle and a connection that is asked all the while must both survive.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Attachments } from "./attachments.js";
import { Bed, needs } from "./bed.js";
import { anotherVersion, fillCache } from "./other-programs.js";
import { service } from "./services.js";

/** More than the sockets of both ends hold. */
const TRANSFER_BYTES = 48_000_000;
const PAUSED_AFTER_BYTES = 1_000_000;

describe("a transfer under way", needs, () => {
  let bed: Bed;
  let base: object;
  before(async () => {
    bed = await Bed.open("nat");
    base = { services: [service(bed.topology, { serverPort: 8080 })] };
    await bed.serve({ http: [8080] });
    await bed.up(base);
  });
  after(() => bed?.close());

  test("survives weir apply, of the same configuration and of one with other services", async () => {
    const { topology } = bed;
    await undisturbed(bed, async () => {
      assert.match(await bed.up(base), /nothing to change\n$/);
      const others = [81, 82, 83].map((port) => service(topology, { port, serverPort: 8080 }));
      assert.match(await bed.up({ services: [service(topology, { serverPort: 8080 }), ...others] }), /^service tcp 203\.0\.113\.100:83: added/m);
      assert.match(await bed.up(base), /^service tcp 203\.0\.113\.100:83: removed/m);
    });
  });

  test("survives changes of its own service: scheduler, weights, destinations", async () => {
    await undisturbed(bed, async () => {
      await bed.up({ services: [service(bed.topology, { serverPort: 8080, scheduler: "wrr", weight: 7 })] });
      await bed.tell("-E -t 203.0.113.100:80 -s wlc");
      await bed.tell("-a -t 203.0.113.100:80 -r 10.0.0.14:8080 -m -w 0");
      await bed.up(base);
    });
  });

  test("survives an upgrade of the programs, which takes the places of the old ones in their links", async () => {
    const folder = `${bed.state}/other-version`;
    await fillCache(folder, anotherVersion);
    await bed.script("other-state", "older");
    const before = JSON.parse(await bed.script("attachments")) as Attachments;
    await undisturbed(bed, async () => {
      assert.equal((await bed.weir(["apply", "-"], { input: JSON.stringify(base), environment: { WEIR_CACHE: folder } })).status, 0);
    });
    const after = JSON.parse(await bed.script("attachments")) as Attachments;
    assert.deepEqual(Object.keys(after), Object.keys(before));
    for (const [pin, { id, programId }] of Object.entries(before)) {
      assert.equal(after[pin]?.id, id, `${pin} is the link that it was`);
      assert.notEqual(after[pin]?.programId, programId, `${pin} has the new program`);
    }
  });

  test("survives kill -9 of commands in the middle, and the next command finds things in order", async () => {
    await undisturbed(bed, async () => {
      for (let round = 0; round < 6; round++) {
        const ports = [81, 82, 83, 84].slice(round % 3);
        const wanted = { services: [service(bed.topology, { serverPort: 8080 }), ...ports.map((port) => service(bed.topology, { port, serverPort: 8080 }))] };
        const victims = [bed.spawn("weir", ["apply", "-"], JSON.stringify(wanted)), bed.spawn("ipvsadm", ["-a", "-t", "203.0.113.100:80", "-r", `10.0.0.2${round}:8080`, "-m"])];
        // Node starts for a tenth of a second or more; then come the few milliseconds in which something is changed.
        await delay(100 + 40 * round);
        for (const victim of victims) victim.kill("SIGKILL");
        await Promise.all(victims.map((victim) => victim.exitCode ?? victim.signalCode ?? once(victim, "exit")));
      }
    });
    await bed.up(base);
    assert.equal(await bed.tell("-S -n"), [
      "-A -t 203.0.113.100:80 -s rr",
      ...[11, 12, 13].map((last) => `-a -t 203.0.113.100:80 -r 10.0.0.${last}:8080 -m -w 1`), "",
    ].join("\n"));
    const { client, topology } = bed;
    assert.deepEqual(await client.distribution({ address: topology.vip, port: 80, count: 6 }), { r1: 2, r2: 2, r3: 2 });
  });
});

/** Pauses a transfer in the middle, and asks on another connection all the while that something happens. */
async function undisturbed({ client, topology }: Bed, event: () => Promise<void>): Promise<void> {
  const target = { address: topology.vip, port: 80 };
  const transfer = await client.openTransfer({ ...target, bytes: TRANSFER_BYTES });
  await client.resumeTransfer(transfer);
  while (await client.transferred(transfer) < PAUSED_AFTER_BYTES) await delay(2);
  const atPause = await client.pauseTransfer(transfer);
  assert.ok(atPause < TRANSFER_BYTES);
  const session = await client.openSession(target);
  const first = await client.sessionGet(session);
  let happening = true;
  const [asked] = await Promise.all([
    (async () => {
      let count = 0;
      for (; happening; count++) {
        assert.equal((await client.sessionGet(session)).server, first.server);
        await delay(10);
      }
      return count;
    })(),
    event().finally(() => { happening = false; }),
  ]);
  assert.ok(asked > 0);
  const { bytes, intact } = await client.finishTransfer(transfer);
  assert.deepEqual([bytes, intact], [TRANSFER_BYTES, true]);
  await client.close(session);
}
