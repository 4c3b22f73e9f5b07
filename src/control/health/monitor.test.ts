import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConfiguredService } from "#model/config.js";
import type { ServiceId, ServiceState } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import { TCP, check, destination, service, sorryServer } from "./_configured.js";
import { describeEvent } from "./events.js";
import type { Outcome } from "./monitor.js";
import { Monitor } from "./monitor.js";
import { healthy, unhealthy } from "./verdict.js";

const [A, B, C, SORRY] = ["192.168.1.11", "192.168.1.12", "192.168.1.13", "192.168.1.99"] as const;

/** One service's servers with their weights, "11:1 12:0". */
const pool = (monitor: Monitor): string =>
  monitor.wanted()[0]!.destinations.map(({ address, weight }) => `${address.slice("192.168.1.".length)}:${weight}`).join(" ");

/** The verdict of all checks of one server; gives the kinds of events. */
function found(monitor: Monitor, address: string, isHealthy: boolean): string {
  const outcomes = monitor.checks().filter(({ destination }) => destination.address === address)
    .map(({ key }) => monitor.take(key, isHealthy ? healthy("connected") : unhealthy("refused"), AT)!);
  return outcomes.flatMap(kinds).join(" ");
}

const run = (word: string) => ({ words: [word], user: undefined });
const firstKey = (monitor: Monitor): string => monitor.checks()[0]!.key;
const AT = new Date(0);
const at = (milliseconds: number): Date => new Date(milliseconds);

/** "serverDown", "quorumWon" … */
const kinds = ({ events }: Outcome): string[] => events.map((event) => {
  if (event.kind === "server") return event.healthy ? "serverUp" : "serverDown";
  return event.kind === "quorum" ? (event.held ? "quorumWon" : "quorumLost") : event.kind;
});

function watch(configured: ConfiguredService, standing: readonly ServiceState[] = []): Monitor {
  const monitor = new Monitor();
  monitor.configure([configured], AT, standing);
  return monitor;
}

describe("a server", () => {
  test("that fails is taken out, and comes back with its weight", () => {
    const monitor = watch(service([destination(A, 3), destination(B)]));
    assert.equal(pool(monitor), "11:3 12:1");
    assert.equal(found(monitor, A, false), "serverDown");
    assert.equal(pool(monitor), "12:1");
    assert.equal(found(monitor, A, false), "", "nothing is told twice");
    assert.equal(found(monitor, A, true), "serverUp");
    assert.equal(pool(monitor), "11:3 12:1");
  });

  test("that fails is left in with weight 0 where it is to be quiesced", () => {
    const monitor = watch(service([destination(A, 3, { onFailure: "quiesce" }), destination(B)]));
    found(monitor, A, false);
    assert.equal(pool(monitor), "11:0 12:1");
    found(monitor, A, true);
    assert.equal(pool(monitor), "11:3 12:1");
  });

  test("fails with one of its checks, and comes back with the last of them", () => {
    const monitor = watch(service([destination(A, 1, { checks: [TCP, check({ type: "ping" })] }), destination(B)]));
    const [tcp, ping] = monitor.checks().filter(({ destination }) => destination.address === A).map(({ key }) => key);
    const events = [[tcp, false], [ping, false], [tcp, true], [ping, true]].map(([key, isHealthy]) =>
      kinds(monitor.take(key as string, isHealthy === true ? healthy("answers") : unhealthy("silent"), AT)!));
    assert.deepEqual(events, [["serverDown"], [], [], ["serverUp"]]);
  });

  test("is forgiven as many failures as it may have, each followed sooner by the next check", () => {
    const forgiving = check({ type: "tcp" }, { retries: 2, retryDelay: 0.5, every: 7 });
    const monitor = watch(service([destination(A, 1, { checks: [forgiving] })]));
    const key = firstKey(monitor);
    const take = (isHealthy: boolean) => {
      const outcome = monitor.take(key, isHealthy ? healthy("connected") : unhealthy("refused"), AT)!;
      return [outcome.nextSeconds, ...kinds(outcome)];
    };
    assert.deepEqual([take(false), take(false), take(true)], [[0.5], [0.5], [7]], "a success forgets them");
    assert.deepEqual([take(false), take(false), take(false)], [[0.5], [0.5], [7, "serverDown", "quorumLost"]]);
    assert.deepEqual([take(false), take(true)], [[7], [7, "serverUp", "quorumWon"]], "one that is down is forgiven nothing, and one success is enough");
  });

  test("that starts down comes in with its first success; its first failure is told", () => {
    const monitor = watch(service([destination(A, 1, { startsDown: true }), destination(B, 1, { startsDown: true })]));
    assert.equal(pool(monitor), "");
    assert.equal(found(monitor, A, false), "serverDown");
    assert.equal(found(monitor, A, false), "");
    assert.equal(found(monitor, B, true), "serverUp quorumWon");
    assert.equal(pool(monitor), "12:1");
  });

  test("shows what its checks found", () => {
    const monitor = watch(service([destination(A, 1, { checks: [check({ type: "tcp" }, { retries: 1 })] })]));
    const view = (): object => monitor.servers()[0]!.checks[0]!;
    assert.deepEqual(view(), { check: "tcp 192.168.1.11:80", healthy: undefined, verdict: "not asked yet", at: undefined, failures: 0 });
    found(monitor, A, false);
    assert.deepEqual(view(), { check: "tcp 192.168.1.11:80", healthy: true, verdict: "refused", at: AT, failures: 1 });
    found(monitor, A, false);
    assert.deepEqual(monitor.quorums(), [{ service: service([]).id, held: false, since: AT, weight: 0, needed: 1, sorryServer: undefined, sorry: undefined }]);
  });

  test("shows its state since when it is so, and its weight as configured and as its health has it", () => {
    const monitor = new Monitor();
    monitor.configure([service([destination(A, 3, { startsDown: true, onFailure: "quiesce" }), destination(B, 2)], { sorryServer: sorryServer(SORRY) })], at(1));
    const states = (): string => monitor.servers().map(({ state, since, weight, weightGiven }) => `${state} ${since.getTime()} ${weightGiven ?? "out"} of ${weight}`).join(", ");
    const take = (address: string, isHealthy: boolean, milliseconds: number): void => {
      const { key } = monitor.checks().find(({ destination: { address: own } }) => own === address)!;
      monitor.take(key, isHealthy ? healthy("connected") : unhealthy("refused"), at(milliseconds));
    };
    assert.equal(states(), "starting 1 0 of 3, up 1 2 of 2");
    take(A, false, 2);
    assert.equal(states(), "down 2 0 of 3, up 1 2 of 2");
    take(A, false, 3);
    take(B, true, 3);
    assert.equal(states(), "down 2 0 of 3, up 1 2 of 2", "what goes on is since then");
    take(B, false, 4);
    assert.equal(states(), "down 2 0 of 3, down 4 out of 2");
    assert.deepEqual(monitor.quorums().map(({ since, sorryServer: sorry }) => [since, sorry]), [[at(4), { address: SORRY, port: 80 }]]);
    take(A, true, 5);
    monitor.configure([service([destination(A, 4, { startsDown: true, onFailure: "quiesce" }), destination(B, 2)])], at(9));
    assert.equal(states(), "up 5 4 of 4, down 4 out of 2", "another configuration leaves it so");
  });

  test("without checks is always in", () => {
    const monitor = watch(service([destination(A, 1, { checks: [], startsDown: true })]));
    assert.deepEqual([pool(monitor), monitor.checks().length], ["11:1", 0]);
  });

  test("has the weight that its script sets, out of the pool too", () => {
    const monitor = watch(service([destination(A, 5), destination(B)]));
    const key = firstKey(monitor);
    assert.deepEqual(kinds(monitor.take(key, { healthy: true, detail: "status 9", weight: 7 }, AT)!), ["weight"]);
    assert.equal(pool(monitor), "11:7 12:1");
    assert.deepEqual(kinds(monitor.take(key, { healthy: true, detail: "status 0" }, AT)!), [], "what says nothing of it leaves it");
    monitor.take(key, unhealthy("status 1"), AT);
    assert.equal(pool(monitor), "12:1");
    assert.deepEqual(kinds(monitor.take(key, { healthy: true, detail: "status 4", weight: 2 }, AT)!), ["weight", "serverUp"]);
    assert.equal(pool(monitor), "11:2 12:1");
  });
});

describe("a quorum", () => {
  // keepalived.conf(5), quorum: lost below weight - hysteresis, won at weight + hysteresis; and lost where there is no weight at all.
  const cases = [
    { weight: 1, hysteresis: 0, sums: [1, 0, 1], up: [true, false, true] },
    { weight: 3, hysteresis: 0, sums: [2, 3, 2, 3], up: [false, true, false, true] },
    { weight: 3, hysteresis: 1, sums: [3, 4, 3, 2, 1, 2, 3, 4], up: [false, true, true, true, false, false, false, true] },
    { weight: 2, hysteresis: 2, sums: [3, 4, 1, 0, 3], up: [false, true, true, false, false] },
  ];
  for (const { weight, hysteresis, sums, up } of cases) {
    test(`of ${weight} with a hysteresis of ${hysteresis} is ${up.map((isUp) => (isUp ? "won" : "lost")).join(", ")} at ${sums.join(", ")}`, () => {
      const monitor = watch(service([destination(A, 0)], { quorum: { weight, hysteresis, notify: { up: undefined, down: undefined } } }));
      const states = sums.map((sum) => {
        monitor.take(firstKey(monitor), { healthy: true, detail: "", weight: sum }, AT);
        return monitor.quorums()[0]!.held;
      });
      assert.deepEqual(states, up);
    });
  }

  test("that is lost puts the sorry server in the place of the servers that still live", () => {
    const monitor = watch(service([destination(A), destination(B), destination(C, 1, { onFailure: "quiesce" })],
      { quorum: { weight: 2, hysteresis: 0, notify: { up: undefined, down: undefined } }, sorryServer: sorryServer(SORRY) }));
    assert.equal(found(monitor, A, false), "serverDown");
    assert.equal(pool(monitor), "12:1 13:1");
    assert.equal(found(monitor, B, false), "serverDown quorumLost");
    assert.equal(pool(monitor), "13:0 99:1");
    assert.equal(found(monitor, A, true), "serverUp quorumWon");
    assert.equal(pool(monitor), "11:1 13:1");
  });

  test("without a sorry server leaves those in that live", () => {
    const monitor = watch(service([destination(A), destination(B)], { quorum: { weight: 2, hysteresis: 0, notify: { up: undefined, down: undefined } } }));
    assert.equal(found(monitor, A, false), "serverDown quorumLost");
    assert.equal(pool(monitor), "12:1");
  });

  test("has a quiesced sorry server wait with weight 0", () => {
    const monitor = watch(service([destination(A)], { sorryServer: sorryServer(SORRY), sorryServerQuiesced: true }));
    assert.equal(pool(monitor), "11:1 99:0");
    found(monitor, A, false);
    assert.equal(pool(monitor), "99:1");
    found(monitor, A, true);
    assert.equal(pool(monitor), "11:1 99:0");
  });

  test("may have one of its servers for sorry server", () => {
    const monitor = watch(service([destination(A), destination(B)],
      { quorum: { weight: 2, hysteresis: 0, notify: { up: undefined, down: undefined } }, sorryServer: { ...sorryServer(B), weight: 9 } }));
    assert.equal(pool(monitor), "11:1 12:1");
    found(monitor, A, false);
    assert.equal(pool(monitor), "12:9");
  });

  test("is told of at the beginning, with its commands after those of the server", () => {
    const quorum = { weight: 1, hysteresis: 0, notify: { up: run("won"), down: run("lost") } };
    const configured = service([destination(A, 1, { notify: { up: run("up"), down: run("down") } })], { quorum, sorryServer: sorryServer(SORRY) });
    const monitor = new Monitor();
    assert.deepEqual(monitor.configure([configured], AT).commands, [run("won")]);
    const key = firstKey(monitor);
    const lost = monitor.take(key, unhealthy("refused"), AT)!;
    assert.deepEqual(lost.commands, [run("down"), run("lost")]);
    assert.deepEqual(lost.events.flatMap(describeEvent), [
      "server 192.168.1.11:80 of tcp 10.0.0.100:80 is down: refused",
      "service tcp 10.0.0.100:80 has lost its quorum: 0 of 1; its sorry server 192.168.1.99:80 stands in",
    ]);
    assert.deepEqual(monitor.take(key, healthy("connected"), AT)!.commands, [run("up"), run("won")]);
    const without = new Monitor().configure([service([], { sorryServer: sorryServer(SORRY), quorum })], AT);
    assert.deepEqual([kinds(without), without.commands], [["quorumLost"], [run("lost")]]);
    assert.deepEqual(kinds(new Monitor().configure([service([])], AT)), [], "a lost one that nobody stands in for is not");
  });
});

describe("services of a group", () => {
  const [FIRST, SECOND] = [80, 443].map((port) => ({ kind: "address" as const, protocol: "tcp" as const, address: "10.0.0.100", port }));
  const own = check({ type: "tcp" }, { port: 8080 });
  const notify = { up: run("up"), down: run("down") };
  const quorum = { weight: 1, hysteresis: 0, notify: { up: run("won"), down: run("lost") } };
  const member = (id: ServiceId | undefined, port: number, ...addresses: readonly string[]): ConfiguredService => ({
    ...service(addresses.map((address) => ({ ...destination(address, 1, { checks: [own], notify }), port })), { group: "web", quorum }), id: id!,
  });
  /** Of each service. */
  const pools = (monitor: Monitor): string[] => monitor.wanted().map(({ destinations }) => destinations.map(({ address, port }) => `${address.slice("192.168.1.".length)}:${port}`).join(" "));

  test("are checked once, told of once, and all follow", () => {
    const monitor = new Monitor();
    assert.deepEqual(monitor.configure([member(FIRST, 80, A, B), member(SECOND, 443, A, B)], AT).commands, [run("won")]);
    assert.deepEqual(monitor.checks().map(({ destination: { address } }) => address), [A, B]);
    const [a, b] = monitor.checks().map(({ key }) => key);
    const down = monitor.take(a!, unhealthy("refused"), AT)!;
    assert.deepEqual([down.services, down.commands], [[FIRST, SECOND], [run("down")]]);
    assert.deepEqual(down.events.flatMap(describeEvent), ["server 192.168.1.11:80 of group web is down: refused"]);
    assert.deepEqual(pools(monitor), ["12:80", "12:443"]);
    const lost = monitor.take(b!, unhealthy("refused"), AT)!;
    assert.deepEqual([lost.commands, lost.events.flatMap(describeEvent)[1]], [[run("down"), run("lost")], "group web has lost its quorum: 0 of 1"]);
    monitor.take(b!, healthy("connected"), AT);
    assert.deepEqual([pools(monitor), monitor.wantedOf(SECOND!)!.destinations.length], [["12:80", "12:443"], 1]);
    assert.deepEqual(monitor.servers().map(({ service: id, server, state }) => [id === FIRST, server.port, state]), [[true, 80, "down"], [true, 80, "up"], [false, 443, "down"], [false, 443, "up"]]);
    assert.deepEqual(monitor.quorums().map(({ held }) => held), [true, true]);
  });

  test("keep their state when they become one, when the first of them goes, and when they part", () => {
    const alone = (configured: ConfiguredService): ConfiguredService => ({ ...configured, health: { ...configured.health, group: undefined } });
    const monitor = watch(alone(member(FIRST, 80, A, B)));
    found(monitor, A, false);
    monitor.configure([member(FIRST, 80, A, B), member(SECOND, 443, A, B)], AT);
    assert.deepEqual(pools(monitor), ["12:80", "12:443"]);
    const keys = monitor.checks().map(({ key }) => key);
    monitor.configure([member(FIRST, 80, A, B)], AT);
    assert.deepEqual(monitor.checks().map(({ key }) => key), keys, "checks go on");
    monitor.configure([alone(member(FIRST, 80, A, B)), alone(member(SECOND, 443, A, B))], AT);
    assert.deepEqual(pools(monitor), ["12:80", "11:443 12:443"]);
  });

  test("are adopted by the first of them that stands", () => {
    const director = new MemoryDirector();
    director.addService(member(SECOND, 443));
    director.addDestination(SECOND!, member(SECOND, 443, B).destinations[0]!);
    const monitor = new Monitor();
    monitor.configure([member(FIRST, 80, A, B), member(SECOND, 443, A, B)], AT, director.services());
    assert.deepEqual(pools(monitor), ["12:80", "12:443"]);
  });
});

describe("what stands already", () => {
  /** Servers with their weights. */
  function standing(...weights: readonly (readonly [string, number])[]): readonly ServiceState[] {
    const director = new MemoryDirector();
    const { id } = service([]);
    director.addService(service([]));
    for (const [address, weight] of weights) director.addDestination(id, { ...destination(address), weight });
    return director.services();
  }

  test("is adopted: who was out, or had weight 0, is until its check succeeds", () => {
    const monitor = watch(service([destination(A), destination(B, 1, { onFailure: "quiesce" }), destination(C)]), standing([B, 0], [C, 1]));
    assert.equal(pool(monitor), "12:0 13:1");
    found(monitor, A, true);
    found(monitor, B, true);
    assert.equal(pool(monitor), "11:1 12:1 13:1");
  });

  test("a server that starts down goes on with what it has, and one that is missing waits for its check", () => {
    const startsDown = { startsDown: true };
    const monitor = watch(service([destination(A, 1, startsDown), destination(B, 1, { ...startsDown, onFailure: "quiesce" }), destination(C, 1, startsDown)]), standing([A, 1], [B, 0]));
    assert.equal(pool(monitor), "11:1 12:0");
    found(monitor, C, true);
    assert.equal(pool(monitor), "11:1 12:0 13:1");
  });

  test("keeps its sorry server in until a server answers", () => {
    const monitor = watch(service([destination(A), destination(B)], { sorryServer: sorryServer(SORRY) }), standing([SORRY, 1]));
    assert.equal(pool(monitor), "99:1");
    assert.equal(found(monitor, B, true), "serverUp quorumWon");
    assert.equal(pool(monitor), "12:1");
  });

  test("a server that has no checks, or is to have weight 0, is not down by that", () => {
    const monitor = watch(service([destination(A, 1, { checks: [] }), destination(B, 0)]), standing([B, 0]));
    assert.equal(pool(monitor), "11:1 12:0");
    assert.deepEqual(monitor.servers().map(({ state }) => state), ["up", "up"]);
  });
});

describe("another configuration", () => {
  test("keeps the state of the servers that it has too", () => {
    const monitor = watch(service([destination(A), destination(B)]));
    found(monitor, A, false);
    const keys = monitor.checks().map(({ key }) => key);
    const slower = check({ type: "tcp" }, { every: 60 });
    const outcome = monitor.configure([service([destination(A, 4, { checks: [slower] }), destination(B, 2), destination(C)])], AT);
    assert.deepEqual(kinds(outcome), []);
    assert.equal(pool(monitor), "12:2 13:1");
    assert.deepEqual(monitor.checks().slice(0, 2).map(({ key }) => key), keys, "other times make no other check");
    found(monitor, A, true);
    assert.equal(pool(monitor), "11:4 12:2 13:1");
  });

  test("that takes the failing check away brings the server back, and says so", () => {
    const monitor = watch(service([destination(A, 1, { checks: [TCP, check({ type: "ping" })] }), destination(B)]));
    monitor.take(firstKey(monitor), unhealthy("refused"), AT);
    assert.equal(pool(monitor), "12:1");
    assert.deepEqual(kinds(monitor.configure([service([destination(A, 1, { checks: [check({ type: "ping" })] }), destination(B)])], AT)), ["serverUp"]);
    assert.equal(pool(monitor), "11:1 12:1");
  });

  test("with a new check does not make a dead server healthy", () => {
    const monitor = watch(service([destination(A), destination(B)]));
    found(monitor, A, false);
    monitor.configure([service([destination(A, 1, { checks: [check({ type: "ping" })] }), destination(B)])], AT);
    assert.equal(pool(monitor), "12:1");
    found(monitor, A, true);
    assert.equal(pool(monitor), "11:1 12:1");
  });

  test("without a service forgets it, and late verdicts about it", () => {
    const monitor = watch(service([destination(A)]));
    const key = firstKey(monitor);
    monitor.configure([], AT);
    assert.deepEqual([monitor.wanted(), monitor.take(key, unhealthy("refused"), AT)], [[], undefined]);
  });
});
