// Configurations at random, one after the other, some of them taken back half-way, while clients are served: whom a configuration does
// not touch loses nothing, and of those that it does exactly the connections break that the plan announced.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random, seedOfThisRun } from "../packets/random.js";
import type { ApplyOutcome, ApplyStep } from "./applier.js";
import { Bed, needs } from "./bed.js";
import { ECHO_PORT, SERVER_PORT, UntouchedTraffic, untouchedServices } from "./untouched.js";

const STEPS = Number(process.env["WEIR_STEPS"] ?? 1000);
const SEED = seedOfThisRun();
/**
 * Of services that come, change and go; their servers' ports too. Were those all the same, connections of one client port to two services could
 * be one and the same for a server, as with IPVS.
 */
const PORTS = [8001, 8002, 8003, 8004, 8005, 8006];
const SCHEDULERS = ["rr", "wrr", "lc", "wlc", "nq"];
/** These refuse whom they lead to a server of weight 0. */
const HASHING_SCHEDULERS = ["sh", "mh"];
const SESSIONS_MAX = 5;
/** How many broken connections are waited for in vain. */
const SILENCES_MAX = 12;
const SILENCE_MILLISECONDS = 100;

interface Destination {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}

interface Service {
  readonly port: number;
  readonly destinations: readonly Destination[];
}

interface Session {
  readonly handle: number;
  readonly port: number;
  readonly server: string;
}

test(`${STEPS} configurations at random under load (WEIR_SEED=${SEED})`, { ...needs, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open("nat");
  const closing: (() => Promise<unknown>)[] = [() => bed.close()];
  t.after(async () => { for (const close of closing.reverse()) await close(); });
  const { client, topology } = bed;
  const { vip: address } = topology;
  await bed.serve({ http: [SERVER_PORT, ...PORTS], udp: [ECHO_PORT] });
  const untouched = untouchedServices(topology);
  const apply = await startApplier(bed);
  closing.push(() => apply.end());
  await apply.step({ configuration: { services: untouched }, fails: false });

  const traffic = new UntouchedTraffic(bed);
  closing.push(() => traffic.end());
  const random = new Random(SEED);
  const sessions = new Set<Session>();
  let standing: readonly Service[] = [];
  const counts = { announced: 0, kept: 0, failed: 0, silences: 0 };
  for (let step = 0; step < STEPS; step++) {
    const where = `WEIR_SEED=${SEED}, step ${step}`;
    const wanted = change(standing, topology.addresses.servers, random);
    const fails = random.below(6) === 0;
    const { leaving, error, services: [before, after] } = await apply.step({ configuration: { services: [...untouched, ...wanted.map(words)] }, fails });
    if (fails) {
      assert.match(error ?? "", /as it was told to/, where);
      assert.equal(after, before, where);
      counts.failed++;
    } else {
      assert.equal(error, undefined, where);
      standing = wanted;
    }
    const announced = new Set(fails ? [] : leaving.map(({ service: name, server }) => `${name} ${server}`));
    assert.ok([...announced].every((name) => !name.startsWith(`tcp ${address}:80 `) && !name.startsWith("udp ")), `${where}: ${[...announced].join(", ")}`);
    await Promise.all([...sessions].map(async (session) => {
      if (!announced.has(`tcp ${address}:${session.port} ${serverNamed(session.server, session.port)}`)) {
        assert.equal(await answerOf(session.handle), session.server, `${where}: the connection to port ${session.port} stays`);
        counts.kept++;
        return;
      }
      sessions.delete(session);
      counts.announced++;
      if (counts.silences++ < SILENCES_MAX) assert.equal(await silentFor(client.sessionGet(session.handle)), true, `${where}: it was announced that this breaks`);
      await client.close(session.handle);
    }));
    const open = standing.filter(({ destinations }) => destinations.some(({ weight }) => weight > 0));
    if (sessions.size < SESSIONS_MAX && open.length > 0) sessions.add(await begin(open[random.below(open.length)]!, where));
  }
  const { asked, requests } = await traffic.lostNothing();
  assert.ok(STEPS < 100 || (counts.announced > 0 && counts.kept > counts.announced && counts.failed > 0), JSON.stringify(counts));
  t.diagnostic(`${JSON.stringify(counts)}; ${apply.milliseconds()}; ${asked} datagrams, ${requests} requests`);

  /** Who answers; or what comes instead. */
  async function answerOf(session: number): Promise<string> {
    return client.sessionGet(session).then(({ server }) => server, (error: Error) => error.message);
  }

  function serverNamed(name: string, port: number): string {
    return `${topology.addresses.servers[Number(name.slice(1)) - 1]}:${port}`;
  }

  /** A connection to that service, by a server that takes any. */
  async function begin({ port, destinations }: Service, where: string): Promise<Session> {
    const handle = await client.openSession({ address, port });
    const server = await answerOf(handle);
    assert.ok(destinations.some((one) => `${one.address}:${one.port}` === serverNamed(server, port) && one.weight > 0), `${where}: ${server} of port ${port}`);
    return { handle, port, server };
  }

  function words({ port, destinations }: Service): object {
    const schedulers = destinations.every(({ weight }) => weight > 0) ? [...SCHEDULERS, ...HASHING_SCHEDULERS] : SCHEDULERS;
    return { protocol: "tcp", address, port, scheduler: schedulers[(port * 7 + destinations.length + (destinations[0]?.weight ?? 0)) % schedulers.length], method: "nat", destinations };
  }
});

/** One to three services become others: they come, go, or have other servers or weights. */
function change(standing: readonly Service[], servers: readonly string[], random: Random): readonly Service[] {
  const byPort = new Map(standing.map((one) => [one.port, one]));
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const port = PORTS[random.below(PORTS.length)]!;
    if (random.below(5) === 0) byPort.delete(port);
    else byPort.set(port, { port, destinations: servers.filter(() => random.below(3) > 0).map((address) => ({ address, port, weight: random.below(4) })) });
  }
  return [...byPort.values()];
}

async function silentFor(answer: Promise<unknown>): Promise<boolean> {
  answer.catch(() => {});
  return await Promise.race([answer.then(() => false, () => false), delay(SILENCE_MILLISECONDS, true)]);
}

async function startApplier(bed: Bed) {
  const child = spawn("ip", ["netns", "exec", bed.topology.namespaces.director, process.execPath, fileURLToPath(new URL("./applier.js", import.meta.url))], {
    stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced", env: { ...process.env, WEIR_STATE: bed.state },
  });
  const spent: number[] = [];
  await once(child, "message");
  return {
    async step(step: ApplyStep): Promise<ApplyOutcome> {
      const answered = once(child, "message") as Promise<[ApplyOutcome]>;
      child.send(step);
      const [outcome] = await answered;
      spent.push(outcome.milliseconds);
      return outcome;
    },
    milliseconds: () => `apply took ${[...spent].sort((a, b) => a - b)[spent.length >> 1]!.toFixed(1)} ms in the middle`,
    async end(): Promise<void> {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
