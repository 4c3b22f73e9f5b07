// Runs packet cases: each on the machine and in the kernel, at TC and at XDP. The names of the tests say which.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromWords } from "#control/encode.js";
import { Neighbour } from "#dataplane/hop.js";
import { decode } from "#layout/codec.js";
import { dissect } from "#lab/dissect.js";
import { frameProblems } from "#lab/verify.js";
import { formatEndpoint } from "#model/names.js";
import type { Connection } from "#model/director.js";
import type { Case, ConnectionExpectation, DestinationExpectation, Expectation, Forwarded, Refused, Step } from "./case.js";
import { configure } from "./case.js";
import { EXECUTORS } from "./executors.js";
import { concatenate, frame, packetOf, totalLengthOf } from "./frame.js";
import type { Host, NetworkInterface } from "./network.js";
import { interfaces, nextHop } from "./network.js";
import { allDestinations, difference, sums, verdictCounts } from "./observe.js";
import { withoutChecksums } from "./rewrite.js";
import type { Fate, Hook, World } from "./world.js";
import { HOOKS, meet } from "./world.js";

const CONNECTIONS_USUALLY = 64;

export function runCases(cases: readonly Case[]): void {
  for (const executor of EXECUTORS) {
    for (const hook of HOOKS) {
      for (const one of cases) {
        const skip = executor.lacks || one.notAt?.[hook] || false;
        test(`${one.description} (${hook.toUpperCase()} on ${executor.name})`, { skip }, async () => {
          runCase(await executor.world(one.connections ?? CONNECTIONS_USUALLY, one.programs), hook, one);
        });
      }
    }
  }
}

export function runCase(world: World, hook: Hook, one: Case): void {
  configure(world.director, one.services);
  one.steps.forEach((step, i) => {
    try {
      runStep(world, hook, step);
    } catch (error) {
      if (error instanceof assert.AssertionError) error.message = `step ${i + 1} of ${one.steps.length}: ${error.message}`;
      throw error;
    }
  });
}

function runStep(world: World, hook: Hook, step: Step): void {
  if ("change" in step) step.change(world);
  else if ("connections" in step) checkConnections(world, step.connections);
  else if ("destination" in step) checkDestination(world, step.destination, step.is);
  else if (world.executor === "machine" || step.notInKernel === undefined) checkFrame(world, hook, step.frame, step.by, step.expect, step.mark);
}

/** Sends one frame and checks all that follows from it; gives what became of it. */
export function checkFrame(world: World, hook: Hook, bytes: Uint8Array, by: NetworkInterface, expect: Expectation, mark = 0): Fate {
  const before = { verdicts: verdictCounts(world), sums: sums(world) };
  const fate = meet(world, hook, bytes, by, { mark });
  checkFate(hook, bytes, by, fate, expect);
  assert.deepEqual(difference(before.verdicts, verdictCounts(world)), expectedVerdicts(hook, expect), "verdicts counted");
  const counted = expectedCounts(bytes, expect);
  const sum = sums(world);
  const changes = Object.fromEntries(Object.entries(before.sums).map(([name, value]) => [name, sum[name as keyof typeof sum] - value]));
  assert.deepEqual(changes, { packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0, ...counted }, "packets and bytes counted with destinations");
  return fate;
}

function checkFate(hook: Hook, bytes: Uint8Array, by: NetworkInterface, fate: Fate, expect: Expectation): void {
  const outcome = expect.fate === "forwarded" || expect.fate === "refused" ? "sent" : expect.fate;
  assert.equal(fate.outcome, outcome, `${expect.fate} was expected`);
  if (expect.fate === "stack" && expect.packet !== undefined) return checkDelivered(bytes, fate, expect.packet);
  if (expect.fate === "stack") return assert.deepEqual(fate.bytes, bytes, "what the stack gets is untouched");
  if (expect.fate === "dropped") return;
  if (expect.fate === "refused") return checkRefusal(bytes, by, fate, expect);
  assert.equal(fate.decidedBy, expect.leftToTc === undefined ? hook : "tc", "the program that forwarded it");
  checkForwarded(bytes, fate, expect);
}

/** By TC, with the MAC addresses that it came with. */
function checkDelivered(bytes: Uint8Array, fate: Fate, packet: Uint8Array): void {
  assert.equal(fate.decidedBy, "tc");
  const { source, destination } = dissect(bytes);
  assertFrame(fate.bytes, frame({ from: source, to: destination }, packet));
}

/** Back by where it came from, to the MAC address that it came from. */
function checkRefusal(bytes: Uint8Array, by: NetworkInterface, fate: Fate, { packet, checksumsWrong }: Refused): void {
  const { source, destination } = dissect(bytes);
  assertFrame(fate.bytes, frame({ from: destination, to: source }, packet), checksumsWrong);
  if (fate.redirect !== undefined) assert.deepEqual([fate.redirect.kind, fate.redirect.ifindex], ["redirect", by.ifindex]);
}

/** By the host's MAC address, or at TC by way of the kernel's neighbour table, which writes MAC addresses itself. */
function checkForwarded(bytes: Uint8Array, fate: Fate, { to, packet, checksumsWrong }: Forwarded): void {
  const received = dissect(bytes);
  const sent = dissect(fate.bytes);
  const byNeighbour = sent.source === received.source && sent.destination === received.destination;
  if (byNeighbour) assert.equal(fate.decidedBy, "tc", "only TC leaves MAC addresses to the kernel");
  else assert.notEqual(to.mac, undefined, "nobody knows that MAC address");
  const link = byNeighbour ? { from: received.source, to: received.destination } : { from: to.interface.mac, to: to.mac! };
  assertFrame(fate.bytes, frame(link, typeof packet === "function" ? packet(packetOf(fate.bytes)) : packet), checksumsWrong);
  if (fate.redirect === undefined) return;
  assert.equal(interfaces.find(({ ifindex }) => ifindex === fate.redirect!.ifindex), to.interface);
  assert.equal(fate.redirect.kind, byNeighbour ? "neigh" : "redirect");
  if (byNeighbour) assert.equal(neighbourText(fate.redirect.neighbour!), nextHop(to.address)!.address);
}

/** Of a struct bpf_redir_neigh. */
function neighbourText(bytes: Uint8Array): string {
  const { family, address } = decode(Neighbour, bytes);
  return fromWords(address, family === AF_INET6 ? 6 : 4);
}
const AF_INET6 = 10;

/** To the byte; when they differ, the dissections tell more than the bytes. */
function assertFrame(actual: Uint8Array, expected: Uint8Array, checksumsWrong = false): void {
  if (Buffer.compare(actual, expected) === 0) return;
  if (checksumsWrong) return assertFrame(zeroed(actual), zeroed(expected));
  assert.deepEqual(frameProblems({ bytes: actual, length: actual.length, checksumPartial: false }), frameProblems({ bytes: expected, length: expected.length, checksumPartial: false }));
  assert.deepEqual(dissect(actual), dissect(expected));
  assert.equal(Buffer.from(actual).toString("hex"), Buffer.from(expected).toString("hex"));
}

const zeroed = (bytes: Uint8Array): Uint8Array => concatenate(bytes.subarray(0, bytes.length - packetOf(bytes).length), withoutChecksums(packetOf(bytes)));

/** A packet for the stack passes both programs, and each counts it unless XDP leaves it to TC; what one of them ends is counted once. */
function expectedVerdicts(hook: Hook, expect: Expectation) {
  if (expect.fate === "forwarded" || expect.verdict === undefined) return {};
  return { [expect.verdict]: expect.fate === "stack" && hook === "xdp" && expect.leftToTc === undefined ? 2 : 1 };
}

function expectedCounts(bytes: Uint8Array, expect: Expectation) {
  if (expect.fate === "stack" && expect.verdict !== undefined) return {};
  if (expect.fate !== "stack" && expect.fate !== "forwarded" && !expect.counted) return {};
  if (expect.fate !== "refused" && expect.counts !== undefined) return expect.counts;
  const length = totalLengthOf(packetOf(bytes));
  if (expect.fate === "refused" && expect.counted === "counted both ways") return { packetsIn: 1, bytesIn: length, packetsOut: 1, bytesOut: totalLengthOf(expect.packet) };
  return expect.fate === "forwarded" && expect.direction === "out" ? { packetsOut: 1, bytesOut: length } : { packetsIn: 1, bytesIn: length };
}

function checkConnections(world: World, expected: readonly ConnectionExpectation[]): void {
  const actual = [...world.director.connections()];
  const describe = ({ client, virtual, destination, state }: Omit<ConnectionExpectation, "expiresSeconds">) => `${client} ${virtual} ${destination} ${state}`;
  assert.deepEqual(actual.map((one) => describe(asText(one))).sort(), expected.map(describe).sort(), "connections");
  for (const { expiresSeconds, ...one } of expected) {
    const found = actual.find((candidate) => describe(asText(candidate)) === describe(one))!;
    assert.ok(Math.abs(found.expiresSeconds - expiresSeconds) <= 1, `${describe(one)} ends in ${found.expiresSeconds} s, not in ${expiresSeconds} s`);
  }
}

function asText({ client, virtual, destination, state }: Connection) {
  return { client: formatEndpoint(client), virtual: formatEndpoint(virtual), destination: formatEndpoint(destination), state };
}

function checkDestination(world: World, host: Host, expected: DestinationExpectation): void {
  const found = allDestinations(world).find(({ address }) => address === host.address);
  assert.ok(found !== undefined, `there is a destination ${host.name}`);
  const actual = { active: found.activeConnections, inactive: found.inactiveConnections, persistent: found.persistentConnections, ...found.counters };
  const named = Object.fromEntries(Object.keys(expected).map((name) => [name, actual[name as keyof typeof actual]]));
  assert.deepEqual(named, expected, host.name);
}
