import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryDirector } from "#model/memory-director.js";
import type { Destination, ServiceId, ServiceState } from "#model/director.js";
import type { Check, Health, Quorum, ServerHealth } from "#api/schemas/health.js";
import { formatHealth, withoutHealth } from "./health.js";

const NOW = new Date(2026, 0, 2, 3, 4, 5);
const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString();
const TCP: Check = { check: "tcp 10.1.0.1:80", healthy: true, verdict: "connected", at: ago(1), failures: 0 };
const REFUSED: Check = { ...TCP, healthy: false, verdict: "cannot connect to 10.1.0.1:80: connection refused", failures: 12 };
const server = (settings: Partial<ServerHealth> = {}): ServerHealth =>
  ({ service: "tcp/10.0.0.100:80", server: "10.1.0.1:80", healthy: true, state: "up", since: ago(7200), weight: 1, weightGiven: 1, checks: [TCP], ...settings });
const quorum = (settings: Partial<Quorum> = {}): Quorum =>
  ({ service: "tcp/10.0.0.100:80", held: true, since: ago(7200), weight: 2, needed: 1, sorryServer: null, sorry: null, ...settings });

/** Services as they stand, with servers of these weights. */
function standing(services: readonly (readonly [ServiceId, Readonly<Record<string, number>>])[]): readonly ServiceState[] {
  const director = new MemoryDirector();
  for (const [id, servers] of services) {
    director.addService({ id, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0, netmask: "255.255.255.255", persistenceEngine: "", onePacket: false });
    for (const [address, weight] of Object.entries(servers)) {
      director.addDestination(id, { address, port: 80, forward: "masq", weight, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none" } satisfies Destination);
    }
  }
  return director.services();
}
const WEB: ServiceId = { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 80 };
const MARK: ServiceId = { kind: "fwmark", fwmark: 3, family: 4 };

test("what is down comes first, with the reason, how long it is so, and the weights as they are and as the file has them", () => {
  const health: Health = {
    servers: [
      server(), server({ server: "10.1.0.2:80", weight: 5 }),
      server({ service: "fwmark/3" }), server({ service: "fwmark/3", server: "10.1.0.2:80", healthy: false, state: "down", since: ago(180), weightGiven: null, checks: [TCP, REFUSED] }),
      server({ service: "fwmark/3", server: "10.1.0.3:80", healthy: false, state: "starting", since: ago(3), weightGiven: 0, checks: [{ ...TCP, healthy: null, verdict: "not asked yet" }] }),
    ],
    quorums: [quorum(), quorum({ service: "fwmark/3", held: false, since: ago(180), weight: 1, needed: 2, sorryServer: "10.1.0.9:80", sorry: true })],
  };
  const text = formatHealth(health, standing([[WEB, { "10.1.0.1": 1, "10.1.0.2": 0 }], [MARK, { "10.1.0.3": 0, "10.1.0.9": 1 }]]), NOW);
  assert.equal(text, `\
Health: 1 of 5 servers DOWN, 1 of 5 servers starting, 1 of 2 services WITHOUT QUORUM

Watched service, server  State        Since                               Weight  What the checks said
fwmark 3                 QUORUM LOST  2026-01-02 03:01:05 (3 min)         1 of 2  the sorry server 10.1.0.9:80 stands in
  10.1.0.2:80            DOWN         2026-01-02 03:01:05 (3 min)  out (file: 1)  tcp 10.1.0.1:80: cannot connect to 10.1.0.1:80: connection refused (12 times)
  10.1.0.3:80            starting     2026-01-02 03:04:02 (3 s)      0 (file: 1)  tcp 10.1.0.1:80: not asked yet
  10.1.0.1:80            up           2026-01-02 01:04:05 (2 h)    out (file: 1)  tcp 10.1.0.1:80: connected
tcp 10.0.0.100:80        quorum held  2026-01-02 01:04:05 (2 h)           2 of 1
  10.1.0.1:80            up           2026-01-02 01:04:05 (2 h)                1  tcp 10.1.0.1:80: connected
  10.1.0.2:80            up           2026-01-02 01:04:05 (2 h)      0 (file: 5)  tcp 10.1.0.1:80: connected`);
});

test("a failure that is forgiven is said, and a service that somebody deleted", () => {
  const forgiven = server({ checks: [{ ...TCP, verdict: "no answer within 5 s", failures: 1 }] });
  const text = formatHealth({ servers: [forgiven], quorums: [quorum()] }, [], NOW);
  assert.match(text, /^Health: 1 server, all up$/m);
  assert.match(text, /^tcp 10\.0\.0\.100:80 +quorum held .* the service is gone: somebody deleted it$/m);
  assert.match(text, /^ {2}10\.1\.0\.1:80 .* out \(file: 1\) {2}tcp 10\.1\.0\.1:80: no answer within 5 s, forgiven so far$/m);
});

test("where nobody checks that is said, with what would", () => {
  assert.equal(formatHealth({ servers: [server({ checks: [] })], quorums: [quorum()] }, [], NOW), "Health: the daemon's configuration has no checks");
  assert.equal(withoutHealth(undefined), "Health: no daemon runs, so nobody checks the servers (weir up FILE)");
  assert.equal(withoutHealth(12), "Health: unknown; the daemon, process 12, does not answer at its API's socket");
});

test("a hundred thousand servers are a table too", () => {
  const service = (i: number): string => `tcp/10.0.${i >> 8}.${i & 255}:80`;
  const numbers = Array.from({ length: 10_000 }, (_, i) => i);
  const health = {
    servers: numbers.flatMap((i) => Array.from({ length: 10 }, (_, s) => server({ service: service(i), server: `10.1.0.${s}:80` }))),
    quorums: numbers.map((i) => quorum({ service: service(i) })),
  };
  assert.equal(formatHealth(health, [], NOW).split("\n").length, 2 + 1 + 110_000);
});
