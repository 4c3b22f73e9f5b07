// The schedulers choose as the real IPVS did, connection by connection, where it was asked for one of several addresses
// and where connections stay open. One client's closed connections to one address: packets/schedulers.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EXECUTORS } from "../packets/executors.js";
import { HOOKS, PLAIN_PROGRAMS } from "../packets/world.js";
import type { Recorded } from "./recorded.js";
import { recordedIn } from "./recorded.js";
import { replay } from "./replay.js";

const closed = recordedIn("schedulers-closed.txt").filter(({ addresses }) => addresses.length > 1);
const held = recordedIn("schedulers-held.txt");

for (const executor of EXECUTORS) {
  for (const recorded of [...closed, ...held]) {
    test(`as recorded on ${executor.name}: ${recorded.text}`, { skip: executor.lacks }, async () => {
      for (const hook of HOOKS) {
        const outcome = replay(await executor.world(64, PLAIN_PROGRAMS), hook, recorded);
        assert.deepEqual(outcome.servers, recorded.connections.map((connection) => connection.outcome), `at ${hook.toUpperCase()}`);
        checkCounts(outcome.counts, recorded.counts);
        checkCounts(outcome.countsAfterChange, recorded.countsAfterChange);
      }
    });
  }
}

function checkCounts(actual: readonly string[], expected: Recorded["counts"]): void {
  if (expected !== undefined) assert.deepEqual(actual, expected);
}
