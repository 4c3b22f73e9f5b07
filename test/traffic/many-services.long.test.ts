// 10,000 services of ten servers each: they come, change and go quickly, and clients of another service notice nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bed, needs } from "./bed.js";
import { ECHO_PORT, SERVER_PORT, UntouchedTraffic, untouchedServices } from "./untouched.js";

/** What is wanted, in milliseconds. */
const FIRST_MAX = 5000;
const CHANGE_MAX = 50;
/** What a machine may be slower that does other things meanwhile: of a cost that grew with the square there would be a hundred times as much. */
const LENIENCY = 4;

interface Took {
  readonly read: number;
  readonly first: number;
  readonly list: number;
  readonly same: number;
  readonly weight: number;
  readonly add: number;
  readonly delete: number;
  readonly away: number;
}

test("10,000 services of ten servers each are applied, changed and taken away while others are served", needs, async (t) => {
  const bed = await Bed.open("nat");
  const closing: (() => Promise<unknown>)[] = [() => bed.close()];
  t.after(async () => { for (const close of closing.reverse()) await close(); });
  await bed.serve({ http: [SERVER_PORT], udp: [ECHO_PORT] });
  await bed.up({ services: untouchedServices(bed.topology), destinationTable: { entries: 2 ** 17 } });
  const traffic = new UntouchedTraffic(bed);
  closing.push(() => traffic.end());
  const took = JSON.parse(await bed.script("many-services-script")) as Took;
  const { asked, requests } = await traffic.lostNothing();
  t.diagnostic(`milliseconds: ${JSON.stringify(took)}; ${asked} datagrams and ${requests} requests meanwhile`);
  assert.ok(took.read + took.first < FIRST_MAX * LENIENCY, `the first time: ${took.read} + ${took.first} ms`);
  for (const change of ["weight", "add", "delete"] as const) assert.ok(took[change] < CHANGE_MAX * LENIENCY, `${change}: ${took[change]} ms`);
  assert.match(await bed.tell("-Ln"), /^TCP  203\.0\.113\.100:80 rr\n(?:  -> .*\n){3}UDP  203\.0\.113\.100:53 rr\n(?:  -> .*\n){3}$/m);
});
