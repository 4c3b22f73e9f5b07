// sh, mh and dh send an address to the server that the real IPVS sends it to: recordings/scheduler-vectors.txt, 96
// addresses each. Two directors with the same servers, weir's and LVS's, so agree where a client belongs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { HASH_PORT } from "#dataplane/maps.js";
import { configure, destination, service, serviceId } from "../packets/case.js";
import { EXECUTORS } from "../packets/executors.js";
import type { End } from "../packets/frame.js";
import { VIP, at, client, r1, r2, r3 } from "../packets/network.js";
import { linesOf } from "../packets/recording.js";
import { HOOKS, PLAIN_PROGRAMS } from "../packets/world.js";
import { answerAt, sendDatagram } from "./replay.js";

interface Vectors {
  readonly scheduler: string;
  readonly flags: number;
  readonly port: number;
  /** Of datagram i. */
  readonly ends: (i: number) => { readonly from: End; readonly to: End };
  readonly addresses: readonly string[];
}

const COUNT = 96;
const DESTINATIONS = Array.from({ length: COUNT }, (_, i) => `10.9.0.${i}`);

const bySource = (scheduler: string, flags: number, port: number, sourcePort: number): Vectors => ({
  scheduler, flags, port, addresses: [VIP], ends: (i) => ({ from: at(`10.0.0.${128 + i}`, sourcePort + i), to: at(VIP, port) }),
});
/** In the order of the recording. */
const VECTORS: readonly Vectors[] = [
  bySource("sh", 0, 2001, 40200),
  bySource("sh", HASH_PORT, 2002, 40400),
  bySource("mh", 0, 2003, 40600),
  bySource("mh", HASH_PORT, 2004, 40800),
  { scheduler: "dh", flags: 0, port: 2005, addresses: [VIP, ...DESTINATIONS], ends: (i) => ({ from: at(client, 41000 + i), to: at(DESTINATIONS[i]!, 2005) }) },
];

const recorded = linesOf("scheduler-vectors.txt").filter((line) => /^\d/.test(line)).map((line) => line.split(" ").map((number) => `r${number}`));

VECTORS.forEach(({ scheduler, flags, port, ends, addresses }, which) => {
  for (const executor of EXECUTORS) {
    test(`${scheduler}${flags === 0 ? "" : " by port"} sends 96 addresses to the servers that IPVS sends them to (on ${executor.name})`, { skip: executor.lacks }, async () => {
      for (const hook of HOOKS) {
        const world = await executor.world(256, PLAIN_PROGRAMS);
        const members = [r1, r2, r3].map((host, i) => destination(host, 80, "masq", { weight: i + 1 }));
        configure(world.director, [service("udp", port, members, { scheduler, schedulerFlags: flags })]);
        answerAt(world, serviceId("udp", port), addresses);
        const chosen = Array.from({ length: COUNT }, (_, i) => sendDatagram(world, hook, ends(i).from, ends(i).to));
        assert.deepEqual(chosen, recorded[which]);
      }
    });
  }
});
