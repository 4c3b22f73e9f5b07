// The benchmark measures what it says: its wrapper makes every packet anew, and weir's program and the C program turn
// the same packets into the same packets.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Bed, compileParts } from "../../bench/bed.js";
import { clangVersion } from "../../bench/c-program.js";
import type { Method } from "../../bench/cases.js";
import { frameOf } from "../../bench/cases.js";
import { run } from "../../bench/measure.js";
import { CLIENTS, CLIENT_PORTS, Frame } from "../../bench/wrapper.js";
import { decode } from "#layout/codec.js";
import { be16, be32 } from "#layout/numbers.js";
import { XDP_TX } from "#prelude/packet.js";
import { kernelLacks } from "../packets/requirements.js";

const METHODS: readonly Method[] = ["dr", "tun", "nat"];

let bed: Bed;
before(async () => { if (kernelLacks === false) bed = new Bed(await compileParts()); });
after(() => bed?.close());

test("the wrapper restores the packet and goes from flow to flow", { skip: kernelLacks }, () => {
  const { returnValue, data } = run(bed, "nothing", { method: "dr", packets: "hit", flows: 1000, repeat: 1018 });
  assert.equal(returnValue, XDP_TX);
  const { ip, tcp, ...rest } = frameOf("dr", "hit");
  // The last packet is of flow 17, the second of the second client.
  assert.deepEqual(decode(Frame, data), { ...rest, ip: { ...ip, source: be32(CLIENTS + 1) }, tcp: { ...tcp, source: be16(CLIENT_PORTS + 1) } });
});

test("the MAC swap sends the frame back", { skip: kernelLacks }, () => {
  const { returnValue, data } = run(bed, "swap", { method: "dr", packets: "hit", flows: 1, repeat: 3 });
  const { ethernet } = frameOf("dr", "hit");
  assert.equal(returnValue, XDP_TX);
  assert.deepEqual([...data.subarray(0, 12)], [...ethernet.source, ...ethernet.destination]);
});

for (const method of METHODS) {
  test(`weir and the C program forward the same by ${method}, time and again`, { skip: kernelLacks || lacksClang() }, () => {
    bed.forgetConnections();
    for (const packets of ["syn", "hit"] as const) assert.deepEqual(forward("weir", method, packets), forward("c", method, packets));
  });
}

test("weir and the C program give answers back to the client", { skip: kernelLacks || lacksClang() }, () => {
  bed.forgetConnections();
  for (const subject of ["weir", "c"] as const) forward(subject, "nat", "syn");
  bed.giveClientHops();
  assert.deepEqual(forward("weir", "nat", "answer"), forward("c", "nat", "answer"));
});

/** The last of a hundred packets of ten flows. */
function forward(subject: "weir" | "c", method: Method, packets: "syn" | "hit" | "answer"): string {
  const { returnValue, data } = run(bed, subject, { method, packets, flows: 10, repeat: 100 });
  assert.equal(returnValue, XDP_TX, subject);
  return Buffer.from(data).toString("hex");
}

function lacksClang(): string | false {
  return clangVersion() === undefined && "clang is not installed: apt-get install clang";
}
