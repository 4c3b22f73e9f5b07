// Ten million connections in the kernel, begun by as many packets. The table is several values of its map then
// (prelude/maps.ts, table()), and the expiry takes longer to go round it (control/kernel-plane.ts, expirySlice()).

import assert from "node:assert/strict";
import { freemem } from "node:os";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Bed, compileWeirParts } from "../../bench/bed.js";
import { realServer } from "../../bench/cases.js";
import { run, scatteringStride } from "../../bench/measure.js";
import { countConnections } from "#control/connections.js";
import { expirySlice } from "#control/kernel-plane.js";
import { shapeOfThisMachine } from "#control/kernel-store.js";
import { programSpec } from "#control/programs.js";
import { verdictCounts } from "#control/verdicts.js";
import { TAG_CLAIMED, TAG_FREE } from "#dataplane/connection.js";
import { buckets4 as buckets, connections4 as connections, Expiry, expiry4 as expiry, SLOTS_PER_BUCKET } from "#dataplane/maps.js";
import { loadProgram } from "#kernel/program.js";
import { encode } from "#layout/codec.js";
import { fieldOf } from "#layout/struct.js";
import { kernelLacks } from "./requirements.js";

const ENTRIES = 2 ** 24;
const CONNECTIONS = 10_000_000;
const BYTES = ENTRIES * (connections.value.size + buckets.value.size / SLOTS_PER_BUCKET);
const lacks = kernelLacks || (freemem() < 2 * BYTES && `${2 * BYTES} bytes of free memory are wanted, and there are ${freemem()}`);
/** Twice round the table, once to let a connection die and once to free its place, and as long again for a busy machine. */
const EXPIRY_MILLISECONDS_MAX = 4 * 20 * (ENTRIES / SLOTS_PER_BUCKET / expirySlice(ENTRIES));

const inAll = { packets: "hit", method: "dr", flows: CONNECTIONS, stride: scatteringStride(CONNECTIONS), repeat: 2 ** 20 } as const;

test("ten million connections are begun, met, refused when the table is full, and end", { skip: lacks }, async (t) => {
  const bed = new Bed(await compileWeirParts(ENTRIES));
  t.after(() => bed.close());
  assert.equal(bed.maps.get(connections.name)!.info().maxEntries, 2, "two banks");
  const slots = new Slots(bed.table(buckets));
  const destination = () => bed.director.services().flatMap(({ destinations }) => destinations).find(({ port }) => port === realServer("dr").port)!;

  run(bed, "weir", { method: "dr", packets: "syn", flows: CONNECTIONS, repeat: CONNECTIONS });
  assert.equal(countConnections(bed.store, buckets), CONNECTIONS);
  assert.equal(destination().activeConnections, CONNECTIONS);
  assert.equal(destination().counters.connections, BigInt(CONNECTIONS));

  run(bed, "weir", inAll);
  assert.equal(countConnections(bed.store, buckets), CONNECTIONS, "every packet found its connection");
  assert.equal(destination().counters.packetsIn, BigInt(CONNECTIONS + inAll.repeat));
  assert.deepEqual(verdictCounts(bed.store), {});

  slots.change(TAG_FREE, TAG_CLAIMED);
  assert.throws(() => run(bed, "weir", { method: "nat", packets: "syn", flows: 1, repeat: 1 }), /it returned 1 where/);
  assert.deepEqual(verdictCounts(bed.store), { tableFull: 1 });
  slots.change(TAG_CLAIMED, TAG_FREE);
  run(bed, "weir", inAll);
  assert.equal(countConnections(bed.store, buckets), CONNECTIONS, "none made room");
  run(bed, "weir", { method: "nat", packets: "syn", flows: 1, repeat: 1 });
  assert.equal(countConnections(bed.store, buckets), CONNECTIONS + 1);

  slots.endAll(bed.store.now());
  const milliseconds = await expireAll(bed);
  t.diagnostic(`all had ended after ${milliseconds} ms`);
  assert.equal(destination().inactiveConnections + destination().activeConnections, 0);
});

/** The buckets' tags and times, all at once. */
class Slots {
  readonly #tags: Uint16Array;
  readonly #expires: Uint32Array;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#tags = new Uint16Array(buffer, byteOffset, byteLength / 2);
    this.#expires = new Uint32Array(buffer, byteOffset, byteLength / 4);
  }

  change(from: number, to: number): void {
    const stride = buckets.value.size / 2;
    for (let at = 0; at < this.#tags.length; at += stride) {
      for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) if (this.#tags[at + slot] === from) this.#tags[at + slot] = to;
    }
  }

  endAll(now: number): void {
    const [first, stride] = [fieldOf(buckets.value, "expires").offset / 4, buckets.value.size / 4];
    for (let at = first; at < this.#expires.length; at += stride) this.#expires.fill(now, at, at + SLOTS_PER_BUCKET);
  }
}

/** By the timer in the kernel, as a director starts it. Gives the milliseconds that it took. */
async function expireAll(bed: Bed): Promise<number> {
  bed.maps.get(expiry.name)!.update(new Uint8Array(4), encode(Expiry, { slice: expirySlice(ENTRIES) }));
  const start = loadProgram(await programSpec("weir_start", shapeOfThisMachine({ connections: ENTRIES })), bed.maps);
  const began = Date.now();
  assert.equal(start.testRun({ data: new Uint8Array(64) }).returnValue, 0);
  while (countConnections(bed.store, buckets) > 0) {
    assert.ok(Date.now() - began < EXPIRY_MILLISECONDS_MAX, `${countConnections(bed.store, buckets)} connections still stand`);
    await delay(250);
  }
  start.close();
  return Date.now() - began;
}
