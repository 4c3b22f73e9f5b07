// twos draws as ip_vs_twos.c does: the same random numbers lead to the same servers as by the rule written down here
// once more, in the plainest way. (The recordings have none: no kernel of theirs knew twos.)

import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeOfThisMachine } from "#control/kernel-store.js";
import { MachineStore } from "#control/machine-store.js";
import { programSpec } from "#control/programs.js";
import { Machine } from "#ebpf/machine.js";
import type { DestinationState } from "#model/director.js";
import { configure, destination, service } from "../packets/case.js";
import { SYN, frame, tcp } from "../packets/frame.js";
import { VIP, at, client, eth0, r1, r2, r3, r4 } from "../packets/network.js";
import { newDirector } from "../packets/world.js";

const NOW = 1_000_000_000_000n;
const CONNECTIONS = 200;
const SEED = Number(process.env["SEED"] ?? 1);

test("twos takes the less loaded of two servers drawn by weight", async () => {
  const shape = shapeOfThisMachine({ connections: 1024 });
  const spec = await programSpec("weir_tc", shape);
  const drawn: number[] = [];
  const random = randomNumbers(SEED);
  const machine = new Machine({
    now: () => NOW, fib: () => NO_ROUTE,
    random: () => {
      const number = random();
      drawn.push(Math.floor(number * 2 ** 32));
      return number;
    },
  });
  const program = machine.load(spec);
  const director = newDirector(new MachineStore(machine, shape, () => NOW));
  const weights = [1, 5, 0, 3];
  const members = [r1, r2, r3, r4].map((host, i) => destination(host, 80, "masq", { weight: weights[i]!, upperThreshold: i === 3 ? 30 : 0, lowerThreshold: i === 3 ? 1 : 0 }));
  configure(director, [service("tcp", 80, members, { scheduler: "twos" })]);
  for (let i = 0; i < CONNECTIONS; i++) {
    const before = director.services()[0]!.destinations;
    drawn.length = 0;
    machine.run(program, frame({ from: client.mac!, to: eth0.mac }, tcp(at(client, 1000 + i), at(VIP, 80), { flags: SYN })), { ifindex: eth0.ifindex });
    const [first, second] = drawn as [number, number];
    assert.equal(drawn.length, 2);
    const after = director.services()[0]!.destinations;
    const taken = after.filter((one, place) => total(one) !== total(before[place]!)).map((one) => one.address);
    assert.deepEqual(taken, [expected(before, first, second)], `connection ${i}, SEED=${SEED}`);
  }
  assert.equal(total(director.services()[0]!.destinations.find(({ address }) => address === r4.address)!), 30, "r4 went up to its threshold");
});

/** Linux include/uapi/linux/bpf.h, BPF_FIB_LKUP_RET_NOT_FWDED: where to send is not asked here. */
const NO_ROUTE = 4;

const total = (one: DestinationState): number => one.activeConnections + one.inactiveConnections;
const load = (one: DestinationState): number => one.activeConnections * 256 + one.inactiveConnections;

function expected(destinations: readonly DestinationState[], first: number, second: number): string {
  const open = destinations.filter((one) => one.weight > 0 && !(one.upperThreshold !== 0 && total(one) >= one.upperThreshold));
  const sum = open.reduce((weights, one) => weights + one.weight, 0);
  const [a, b] = [first, second].map((number) => {
    let left = number % (sum + 1);
    return open.find((one) => (left -= one.weight) <= 0)!;
  }) as [DestinationState, DestinationState];
  return b.weight * load(a) > a.weight * load(b) ? b.address : a.address;
}

/** From 0 up to 1: mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
