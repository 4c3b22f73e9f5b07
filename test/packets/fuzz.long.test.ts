// Thousands of frames, right, wrong and random: the machine and the kernel must do the same with each, to the byte, and
// that must be what the model (model.ts) says. WEIR_SEED repeats a run, WEIR_FRAMES changes its length.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProgramName } from "#control/programs.js";
import { Rows } from "#control/rows.js";
import { fragmentNotes, settings } from "#dataplane/maps.js";
import { dissect } from "#lab/dissect.js";
import { frameProblems } from "#lab/verify.js";
import { configure } from "./case.js";
import { EXECUTORS } from "./executors.js";
import { fuzzServices, randomFrame } from "./fuzz-frames.js";
import type { Incoming } from "./fuzz-frames.js";
import { Model } from "./model.js";
import { snapshot } from "./observe.js";
import { Random, seedOfThisRun } from "./random.js";
import { checkFrame } from "./run-cases.js";
import type { Fate, Hook, World } from "./world.js";
import { HOOKS, PLAIN_PROGRAMS } from "./world.js";

const FRAMES = Number(process.env["WEIR_FRAMES"] ?? 5000);
/** More than all ends and ports of the fuzzer make. */
const CONNECTIONS = 4096;
/** What IPv4's packets need that no payload is read of. */
const PROGRAMS: readonly ProgramName[] = [...PLAIN_PROGRAMS, "weir_tc_icmp", "weir_tc_frag", "weir_tc_tun", "weir_tc_sctp", "weir_xdp_tun", "weir_xdp_sctp"];
/** Longer than any run: no connection ends in the middle of it. */
const TIMEOUT_TICKS = 100_000;

/** Less than a first fragment's note stands in the kernel, where time goes on by itself (dataplane/fragment-notes.ts). */
const NOTES_MILLISECONDS = 15_000;

const seed = seedOfThisRun();
const usable = EXECUTORS.filter(({ lacks }) => lacks === false);
const alone = usable.length === EXECUTORS.length ? "" : ` (the machine only: ${EXECUTORS.find(({ lacks }) => lacks !== false)!.lacks})`;

for (const hook of HOOKS) {
  test(`${FRAMES} random frames at ${hook.toUpperCase()} meet the fate that LVS has for them, in every executor alike${alone}, seed ${seed}`, async () => {
    const worlds = await Promise.all(usable.map(({ world }) => world(CONNECTIONS, PROGRAMS)));
    worlds.forEach(prepare);
    const random = new Random(seed);
    const model = new Model(fuzzServices);
    let notesSince = performance.now();
    for (let number = 0; number < FRAMES; number++) {
      const incoming = randomFrame(random, model.connections);
      if (mayBeCut(incoming.bytes)) continue;
      if (performance.now() - notesSince > NOTES_MILLISECONDS) {
        model.forgetFragments();
        worlds.forEach(forgetFragments);
        notesSince = performance.now();
      }
      try {
        sendToAll(worlds, hook, model, incoming);
      } catch (error) {
        if (error instanceof Error) error.message = `frame ${number} of seed ${seed}, ${Buffer.from(incoming.bytes).toString("hex")}: ${error.message}`;
        throw error;
      }
      if (number % 1000 === 999) compareAll(worlds, model);
    }
    compareAll(worlds, model);
  });
}

/** Larger than some way, and not forbidden to be cut: cut.test.ts and cases/refused.ts look at those. */
function mayBeCut(bytes: Uint8Array): boolean {
  const ip = dissect(bytes).ip;
  return ip !== undefined && !ip.dontFragment && bytes.length > 14 + 1480;
}

function forgetFragments({ store }: World): void {
  const notes = store.hash(fragmentNotes);
  for (const key of [...notes.keys()]) notes.delete(key);
}

function prepare(world: World): void {
  configure(world.director, fuzzServices);
  new Rows(world.store, settings).write(0, { tcpTimeouts: new Array<number>(16).fill(TIMEOUT_TICKS), udpTimeout: TIMEOUT_TICKS, sctpTimeouts: new Array<number>(16).fill(TIMEOUT_TICKS) });
}

function sendToAll(worlds: readonly World[], hook: Hook, model: Model, { bytes, by }: Incoming): void {
  const expected = model.meet(bytes, by);
  const fates = worlds.map((world): Fate => checkFrame(world, hook, bytes, by, expected));
  // Some identifications are random.
  const isPromised = expected.fate !== "forwarded" || typeof expected.packet !== "function";
  if (isPromised) for (const fate of fates) assert.equal(Buffer.compare(fate.bytes, fates[0]!.bytes), 0, "the executors' bytes differ");
  if (fates[0]!.outcome === "sent" && problemsOf(bytes).length === 0) assert.deepEqual(problemsOf(fates[0]!.bytes), []);
}

/** Wrong checksums and lengths. */
const problemsOf = (bytes: Uint8Array): readonly string[] => frameProblems({ bytes, length: bytes.length, checksumPartial: false });

/** Counters and connection tables, the ones with the others and with the model's connections. */
function compareAll(worlds: readonly World[], model: Model): void {
  const [first, ...others] = worlds.map(snapshot);
  for (const other of others) assert.deepEqual(other, first);
  const listed = [...worlds[0]!.director.connections()].map(({ protocol, client, virtual, destination, state }) =>
    `${protocol} ${client.address}:${client.port} ${virtual.address}:${virtual.port} ${destination.address}:${destination.port} ${state}`);
  const modelled = model.connections.map(({ protocol, client, virtual, destination, state }) =>
    `${protocol} ${client.address}:${client.port} ${virtual.address}:${virtual.port} ${destination.address}:${destination.port} ${state}`);
  assert.deepEqual(listed.sort(), modelled.sort(), "connections");
}
