// 10,000 services of ten servers each: they come, change and go quickly, and clients of another service notice nothing.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "#api/client.js";
import { Bed, PROJECT, needs, succeeded } from "./bed.js";
import { SERVERS, SERVICES, manyServicesYaml } from "./many-services.js";
import { ECHO_PORT, SERVER_PORT, UntouchedTraffic, untouchedServices } from "./untouched.js";

/** What is wanted, in milliseconds. */
const FIRST_MAX = 5000;
const CHANGE_MAX = 50;
/** What a machine may be slower that does other things meanwhile: of a cost that grew with the square there would be a hundred times as much. */
const LENIENCY = 4;
/** The same of the processors' time, which others on the machine lengthen less. */
const PROCESSOR_LENIENCY = 1.5;
const START_MILLISECONDS_MAX = 60_000;

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

test("the daemon's API changes one of them as fast as ipvsadm would", needs, async (t) => {
  const bed = await Bed.open("nat");
  const closing: (() => Promise<unknown>)[] = [() => bed.close()];
  t.after(async () => { for (const close of closing.reverse()) await close(); });
  const file = join(bed.state, "many.yaml");
  mkdirSync(bed.state, { recursive: true });
  writeFileSync(file, manyServicesYaml());
  const daemon = bed.spawn("weir", ["up", file]);
  const ended = once(daemon, "exit");
  closing.push(async () => { daemon.kill("SIGTERM"); await ended; });
  const socket = join(bed.state, `api-${statSync(`/run/netns/${bed.topology.namespaces.director}`).ino}.sock`);
  const client = connect({ socket });
  closing.push(() => client.close());
  for (const deadline = performance.now() + START_MILLISECONDS_MAX; !existsSync(socket); await delay(100)) assert.ok(daemon.exitCode === null && performance.now() < deadline, "the daemon does not listen");

  const [service, server] = ["tcp/10.128.0.1:80", "172.128.0.1:80"];
  const took: number[] = [];
  for (let weight = 2; weight < 11; weight++) {
    const begun = performance.now();
    assert.equal((await client.destinations.edit(service, server, { weight })).weight, weight);
    took.push(performance.now() - begun);
  }
  const middle = took.sort((a, b) => a - b)[took.length >> 1]!;
  t.diagnostic(`milliseconds of one change by the API: ${middle.toFixed(1)}`);
  assert.ok(middle < CHANGE_MAX * LENIENCY, `${middle} ms`);
  assert.equal((await client.services.get(service)).destinations.length, SERVERS);
});

test("weir apply makes them of a file, and changes one of them, as fast", needs, async (t) => {
  const bed = await Bed.open("nat");
  const closing: (() => Promise<unknown>)[] = [() => bed.close()];
  t.after(async () => { for (const close of closing.reverse()) await close(); });
  await bed.serve({ http: [SERVER_PORT], udp: [ECHO_PORT] });
  const untouched = untouchedServices(bed.topology);
  await bed.up({ services: untouched, destinationTable: { entries: 2 ** 17 } });
  const traffic = new UntouchedTraffic(bed);
  closing.push(() => traffic.end());
  const file = join(bed.state, "many.yaml");
  const first = await applied(manyServicesYaml(untouched));
  assert.equal(first.lines.length, SERVICES * (1 + SERVERS));
  const change = await applied(manyServicesYaml(untouched, 7));
  assert.deepEqual(change.lines, ["  destination 172.128.0.1:80 of tcp 10.128.0.1:80: weight 1 → 7"]);
  const { asked, requests } = await traffic.lostNothing();
  t.diagnostic(`the processors' milliseconds of weir apply, process and file included: ${first.milliseconds}, one change ${change.milliseconds}; ${asked} datagrams and ${requests} requests meanwhile`);
  for (const { milliseconds } of [first, change]) assert.ok(milliseconds < FIRST_MAX * PROCESSOR_LENIENCY, `${milliseconds} ms`);

  /** What it changed, a line each; the last that is printed sums it up. POSIX `times` tells last what the shell's children took. */
  async function applied(text: string): Promise<{ readonly milliseconds: number; readonly lines: readonly string[] }> {
    writeFileSync(file, text);
    const argv = ["sh", "-ec", '"$@"; times', "sh", process.execPath, `${PROJECT}bin/weir`, "apply", file];
    const lines = succeeded(await bed.topology.run(bed.topology.namespaces.director, argv, { environment: { WEIR_STATE: bed.state } })).trimEnd().split("\n");
    const spent = [...lines.at(-1)!.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds));
    return { milliseconds: Math.round(1000 * spent.reduce((sum, one) => sum + one, 0)), lines: lines.slice(0, -3) };
  }
});
