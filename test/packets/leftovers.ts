// What a processor has at hand while it works on a packet (Beginning, Handover and their siblings) still holds the packet before when the next one comes. A program that
// reads there what it has not written for its own packet takes another's for it, and rarely shows: so before each packet all of it is spoilt.

import type { Store } from "#control/store.js";
import { Rows } from "#control/rows.js";
import { beginnings4, beginnings6, ftpLines, handovers, quotations, searches, sipMessages } from "#dataplane/maps.js";

const SCRATCH = [handovers, quotations, searches, ftpLines, sipMessages, beginnings4, beginnings6];
/** Of bytes that are a place, a length, a flag and a number alike: in none of them is it what a packet would leave, and flags are all set. */
const SPOILT = 0xff;

/** But for what is meant to last: the place of one-packet scheduling's own entry, and that no first fragment is on its way between two programs. */
export function spoilLeftovers(store: Store): void {
  const lasting = [beginnings4, beginnings6].map((map) => {
    const rows = new Rows(store, map);
    return { rows, places: Array.from({ length: rows.length }, (_, i) => rows.read(i).onePacketPlace) };
  });
  for (const map of SCRATCH) store.table(map).fill(SPOILT);
  for (const { rows, places } of lasting) places.forEach((onePacketPlace, i) => rows.write(i, { onePacketPlace }));
  const between = new Rows(store, handovers);
  for (let i = 0; i < between.length; i++) between.write(i, { fragmentNoted: 0 });
}
