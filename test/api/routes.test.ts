// Every route: what it answers, what it refuses, and what the director is afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "#model/director.js";
import type { NumberedEvent } from "#model/events.js";
import { MemoryApi } from "./memory-api.js";

const WEB = { protocol: "tcp", address: "10.0.0.100", port: 80, scheduler: "wrr" };
const FILE = `
addresses: [{ vip: 10.0.0.100, interface: eth0 }]
timeouts: { udp: 30 }
sysctl: { drop_entry: 1, sync_threshold: [5, 10] }
sync: [{ role: master, interface: eth0, syncId: 9 }]
marks: [{ mark: 7, protocol: tcp, to: 10.0.0.101, ports: 80-90 }]
services:
  - { protocol: tcp, address: 10.0.0.100, port: 80, scheduler: sh, schedulerFlags: [sh-port], persistent: 60, method: nat, destinations: [{ address: "10.1.0.1:8080", weight: 3, upperThreshold: 9, lowerThreshold: 4 }, { address: 10.1.0.2 }] }
  - { protocol: udp, address: "fd00::100", port: 53, onePacket: true, netmask: 64, method: tun, tunnel: { type: gue, port: 6080, checksum: remote }, destinations: [{ address: "fd00::11" }] }
  - { fwmark: 7, family: 6, persistenceEngine: sip, persistent: 30 }
`;

test("services are added, listed, changed, zeroed and deleted", async () => {
  const api = new MemoryApi();
  const added = await api.ask("POST", "/v1/services", WEB);
  assert.deepEqual([added.status, added.headers.get("location"), added.body.id], [201, "/v1/services/tcp/10.0.0.100:80", "tcp/10.0.0.100:80"]);
  assert.deepEqual((await api.ask("POST", "/v1/services", { fwmark: 3 })).body.netmask, "255.255.255.255");
  assert.equal((await api.ask("POST", "/v1/services", { fwmark: 3, family: 6 })).body.id, "fwmark6/3");
  assert.equal((await api.ask("POST", "/v1/services", { protocol: "udp", address: "[FD00:0::1]:53" })).body.id, "udp/[fd00::1]:53");
  assert.deepEqual((await api.ask("GET", "/v1/services")).body.services.map(({ id }: { id: string }) => id).sort(), ["fwmark/3", "fwmark6/3", "tcp/10.0.0.100:80", "udp/[fd00::1]:53"]);
  for (const path of ["udp/[fd00::1]:53", "udp/%5Bfd00%3A%3A1%5D%3A53", "fwmark6/3"]) assert.equal((await api.ask("GET", `/v1/services/${path}`)).status, 200, path);

  const edited = await api.ask("PATCH", "/v1/services/tcp/10.0.0.100:80", { persistent: 60, scheduler: "mh", schedulerFlags: ["mh-port", "flag-3"] });
  assert.deepEqual([edited.body.scheduler, edited.body.persistent, edited.body.schedulerFlags], ["mh", 60, ["mh-port", "flag-3"]]);
  assert.equal((await api.ask("POST", "/v1/services/tcp/10.0.0.100:80/zero")).status, 204);
  assert.equal((await api.ask("DELETE", "/v1/services/tcp/10.0.0.100:80")).status, 204);
  assert.equal((await api.ask("GET", "/v1/services/tcp/10.0.0.100:80")).status, 404);
  assert.equal((await api.ask("DELETE", "/v1/services")).status, 204);
  assert.deepEqual((await api.ask("GET", "/v1/services")).body, { services: [] });
});

test("destinations are added, listed, changed and deleted", async () => {
  const api = new MemoryApi();
  await api.ask("POST", "/v1/services", WEB);
  const all = "/v1/services/tcp/10.0.0.100:80/destinations";
  const added = await api.ask("POST", all, { address: "10.1.0.1:8080", method: "nat", weight: 2 });
  assert.deepEqual([added.status, added.headers.get("location"), added.body.weight], [201, `${all}/10.1.0.1:8080`, 2]);
  const tunnelled = await api.ask("POST", all, { address: "fd00::11", method: "tun", tunnel: { type: "gue", port: 6080 } });
  assert.deepEqual([tunnelled.body.id, tunnelled.body.tunnel], ["[fd00::11]:80", { type: "gue", port: 6080, checksum: "none" }]);
  assert.deepEqual((await api.ask("GET", all)).body.destinations.map(({ id }: { id: string }) => id), ["[fd00::11]:80", "10.1.0.1:8080"]);
  const edited = await api.ask("PATCH", `${all}/10.1.0.1:8080`, { weight: 0, upperThreshold: 10, lowerThreshold: 5 });
  assert.deepEqual([edited.body.weight, edited.body.upperThreshold, edited.body.method], [0, 10, "nat"]);
  assert.equal((await api.ask("GET", `${all}/10.1.0.1:8080`)).body.weight, 0);
  // By another method, what was told of the tunnel is forgotten.
  assert.equal((await api.ask("PATCH", `${all}/[fd00::11]:80`, { weight: 7 })).body.tunnel.type, "gue");
  assert.equal((await api.ask("DELETE", `${all}/[fd00::11]:80`)).status, 204);
  assert.equal((await api.ask("DELETE", `${all}/[fd00::11]:80`)).body.code, "NO_SUCH_DESTINATION");
});

test("what is refused says so in the command line's sentence, with every mistake, and changes nothing", async () => {
  const api = new MemoryApi();
  await api.ask("POST", "/v1/services", WEB);
  await api.ask("POST", "/v1/services/tcp/10.0.0.100:80/destinations", { address: "10.1.0.1", method: "dr" });
  const before = api.state();
  const one = "/v1/services/tcp/10.0.0.100:80";
  const cases: readonly (readonly [string, string, unknown, number, string | RegExp])[] = [
    ["POST", "/v1/services", WEB, 409, "Cannot add tcp 10.0.0.100:80: it exists already"],
    ["POST", "/v1/services", { ...WEB, port: 81, scheduler: "wr" }, 422, /^Cannot configure tcp 10\.0\.0\.100:81: there is no scheduler "wr"; there are rr/],
    ["POST", "/v1/services", { ...WEB, prot: 1, port: 70000 }, 422, "port: 70000 is not a port from 0 to 65535 | prot: is not a key here; did you mean \"port\"?"],
    ["POST", "/v1/services", { fwmark: 3, address: "10.0.0.1", port: 80 }, 422, /address: a service by fwmark has no address.* \| port: a service by fwmark has no port/],
    ["POST", "/v1/services", { ...WEB, port: 0 }, 422, /^port: 0 stands for every port/],
    ["POST", "/v1/services", { ...WEB, port: 81, onePacket: true, schedulerFlags: ["sh-port"], netmask: "64" }, 422, /onePacket: is only for UDP.*schedulerFlags\[0\]: "sh-port" is a flag of the scheduler sh.*netmask: "64" is not an IPv4 mask/],
    ["POST", "/v1/services", [], 422, /^: a list is not a mapping/],
    ["PATCH", one, { weight: 3 }, 422, /^weight: is not a key here/],
    ["PATCH", "/v1/services/tcp/10.0.0.9:80", {}, 404, "Cannot edit tcp 10.0.0.9:80: there is no such service"],
    ["GET", "/v1/services/fwmark/0", undefined, 422, 'service: "0" is not a firewall mark from 1 to 4294967295'],
    ["GET", "/v1/services/tcp/10.0.0.100", undefined, 422, /^service: "10.0.0.100" is not an address with a port/],
    ["GET", "/v1/services?x=1", undefined, 422, /^x: is not a key here/],
    ["POST", `${one}/destinations`, { address: "10.1.0.1", method: "nat" }, 409, "Cannot add 10.1.0.1:80 to tcp 10.0.0.100:80: it is there already"],
    ["POST", `${one}/destinations`, { address: "10.1.0.2:81", method: "dr" }, 422, /^port: 81 is not the service's port, and dr cannot change ports/],
    ["POST", `${one}/destinations`, { address: "224.0.0.1", method: "nat" }, 422, /is a multicast address/],
    ["POST", `${one}/destinations`, { address: "10.1.0.2", method: "nat", tunnel: {} }, 422, /^tunnel: is for method: tun/],
    ["POST", `${one}/destinations`, { address: "10.1.0.2", method: "tun", tunnel: { type: "gue", prt: 3 } }, 422, 'tunnel.prt: is not a key here; did you mean "port"?'],
    ["POST", `${one}/destinations`, { address: "10.1.0.2", method: "tun", tunnel: { type: "gue" } }, 422, "tunnel.port: is missing; gue needs one; the usual is 6080"],
    ["POST", `${one}/destinations`, { address: "10.1.0.2", method: "nat", lowerThreshold: 3 }, 422, /^lowerThreshold: 3 stands without an upperThreshold/],
    ["POST", `${one}/destinations`, {}, 422, "address: is missing; give an address such as 10.0.0.100 or fd00::100"],
    ["PATCH", `${one}/destinations/10.1.0.1:80`, { weight: -1 }, 422, "weight: -1 is not a whole number from 0 to 2147483647"],
    ["PATCH", "/v1/timeouts", { tcp: 0 }, 422, /^tcp: 0 is not a number of seconds/],
    ["PATCH", "/v1/sysctls", { drop_entry: 9, sync_threshold: [3, 2], nope: 1 }, 422, /drop_entry: 9 is not a whole number from 0 to 3.*sync_threshold: a list is not two whole numbers.*nope: is not a key here/],
    ["PUT", "/v1/marks", { marks: [{ mark: 0 }, { mark: 7, ports: 80 }] }, 422, /^marks\[0\]\.mark: 0 is not a number from 1/],
    ["PUT", "/v1/marks", { marks: [{ mark: 7, ports: 80 }] }, 422, /^marks\[0\]\.protocol: is missing/],
    ["GET", "/v1/connections?limit=0&client=x", undefined, 422, /^limit: "0" is not a number of connections from 1/],
    ["GET", "/v1/connections?client=x", undefined, 422, /^client: "x" is not an address/],
    ["GET", "/v1/connections?limit=1&limit=2", undefined, 422, /^limit: a list is not a number/],
    ["POST", "/v1/sync-daemons", { role: "master", interface: "eth9", syncId: 1 }, 422, /there is no such interface/],
    ["DELETE", "/v1/sync-daemons/backup", undefined, 404, "Cannot stop the backup daemon: it does not run"],
    ["GET", "/v1/proc/passwd", undefined, 422, /^name: "passwd" is not known/],
    ["PATCH", "/v1/services", {}, 405, "Cannot PATCH /v1/services: it takes GET, POST, DELETE"],
    ["GET", "/v2", undefined, 404, /^There is nothing at \/v2/],
    ["POST", "/v1/apply", "services: [{ protocol: tcp, adress: 10.0.0.1, port: 80 }]\nnope: 1\n", 422, /^services\[0\]\.adress: is not a key here; did you mean "address"\? \| nope: is not a key here/],
    ["POST", "/v1/plan", "services: [", 422, /not YAML/],
    ["POST", "/v1/apply", { services: [], interfaces: ["eth7"] }, 422, /^interfaces\[0\]: there is no interface "eth7" here/],
  ];
  for (const [method, path, body, status, expected] of cases) {
    const { body: problem } = await api.ask(method, path, body);
    const said = problem.issues?.map((issue: { path: string; message: string }) => `${issue.path}: ${issue.message}`).join(" | ") ?? problem.detail;
    assert.equal(problem.status, status, `${method} ${path}: ${said}`);
    if (typeof expected === "string") assert.equal(said, expected);
    else assert.match(said, expected);
    assert.equal(api.state(), before, `${method} ${path} changed something`);
  }
  assert.deepEqual(api.hub.since(0).events.length, 2, "refused changes are no events");
});

test("mistakes are told with their line and column", async () => {
  const api = new MemoryApi();
  const { body } = await api.ask("POST", "/v1/apply?file=site.yaml", "services:\n  - protocol: tcp\n    address: 10.0.0.1:80\n    shceduler: wrr\n");
  assert.equal(body.detail, "Cannot use site.yaml: 1 mistake");
  assert.deepEqual(body.issues, [{ file: "site.yaml", line: 4, column: 5, path: "services[0].shceduler", message: 'is not a key here; did you mean "scheduler"?' }]);
  const response = await api.api.fetch(new Request("http://x/v1/services", { method: "POST", body: '{\n  "protocol": "tcp",\n  "port": -1\n}', headers: { "content-type": "application/json" } }));
  assert.deepEqual(((await response.json()) as { issues: { line: number; column: number }[] }).issues.map(({ line, column }) => [line, column]), [[3, 11]]);
});

test("bodies of another type, none at all, what is no JSON, and what is too long are refused", async () => {
  const api = new MemoryApi();
  const post = async (path: string, body: string | undefined, type?: string) => (await api.ask("POST", path, body, type === undefined ? {} : { "content-type": type })).body.code;
  assert.equal(await post("/v1/services", "a: 1"), "MEDIA_TYPE");
  assert.equal(await post("/v1/services", undefined), "MEDIA_TYPE");
  assert.equal(await post("/v1/services", "{", "application/json; charset=utf-8"), "MALFORMED");
  assert.equal(await post("/v1/apply", "services: []", "application/x-www-form-urlencoded"), "MEDIA_TYPE");
  assert.equal(await post("/v1/services", `"${"x".repeat(256 * 1024)}"`, "application/json"), "TOO_LARGE");
  assert.equal(await post("/v1/plan", `# ${"x".repeat(256 * 1024)}`), "WRONG_INPUT", "a configuration may be longer");
});

test("a configuration is planned, applied, and given back so that applying it changes nothing", async () => {
  const api = new MemoryApi();
  const planned = await api.ask("POST", "/v1/plan", FILE);
  assert.deepEqual((await api.ask("GET", "/v1/services")).body.services, []);
  const applied = await api.ask("POST", "/v1/apply", FILE);
  const withoutReason = (lines: string[]) => lines.map((line) => line.replace(/ \(.*\)$/, ""));
  assert.ok(applied.body.changes.length > 8);
  assert.deepEqual(withoutReason(planned.body.changes).filter((line) => !line.startsWith("interface")), withoutReason(applied.body.changes).filter((line) => !line.startsWith("interface")));
  const running = await api.ask("GET", "/v1/configuration");
  assert.equal(running.etag, applied.etag);
  const before = api.state();
  assert.deepEqual((await api.ask("POST", "/v1/apply", running.body)).body.changes, []);
  assert.equal(api.state(), before);
  await api.ask("DELETE", "/v1/services");
  await api.ask("POST", "/v1/apply", running.body);
  assert.equal(api.state(), before, "and after a change it is as it was");
  const down = await api.ask("POST", "/v1/down");
  assert.ok(down.body.changes.includes("interface eth0: detached from tc"), down.text);
  assert.deepEqual(api.host.values(), []);
});

test("an apply that fails half-way is put back, and is no event", async () => {
  const api = new MemoryApi();
  await api.ask("POST", "/v1/services", WEB);
  const before = api.state();
  api.plane.refuse = "eth1";
  const { status, body } = await api.ask("POST", "/v1/apply", FILE);
  assert.deepEqual([status, body.detail], [500, 'Cannot attach to "eth1"']);
  assert.equal(api.failures.length, 1);
  assert.equal(api.state(), before);
  assert.equal(api.hub.last, 1);
});

test("who changes what somebody else changed meanwhile is told, when it says what it read", async () => {
  const api = new MemoryApi();
  const { etag } = await api.ask("POST", "/v1/services", WEB);
  const path = "/v1/services/tcp/10.0.0.100:80";
  assert.equal((await api.ask("GET", path)).etag, etag);
  const edit = async (tag: string, body: object) => (await api.ask("PATCH", path, body, { "if-match": tag })).status;
  assert.equal(await edit(etag!, { scheduler: "lc" }), 200);
  assert.equal(await edit(etag!, { scheduler: "rr" }), 412);
  assert.equal(await edit(`"x", ${(await api.ask("GET", path)).etag}`, { scheduler: "rr" }), 200);
  assert.equal(await edit("*", { scheduler: "wlc" }), 200);
  assert.equal((await api.ask("DELETE", path, undefined, { "if-match": etag! })).body.code, "CHANGED");

  const configuration = (await api.ask("GET", "/v1/configuration")).etag!;
  assert.equal((await api.ask("PATCH", "/v1/timeouts", { udp: 7 })).body.udp, 7);
  assert.equal((await api.ask("POST", "/v1/apply", FILE, { "if-match": configuration })).status, 412);
  for (const [method, one] of [["DELETE", "/v1/services"], ["POST", "/v1/down"]] as const) assert.equal((await api.ask(method, one, undefined, { "if-match": configuration })).status, 412);
  assert.equal((await api.ask("POST", "/v1/services", { fwmark: 1 }, { "if-match": configuration })).status, 412);
  assert.equal((await api.ask("POST", `${path}/destinations`, { address: "10.1.0.1", method: "nat" }, { "if-match": etag! })).status, 412);
});

test("timeouts, sysctls, rules for marks, daemons", async () => {
  const api = new MemoryApi();
  assert.deepEqual((await api.ask("PATCH", "/v1/timeouts", { udp: 30 })).body, { tcp: 900, tcpFin: 120, udp: 30 });
  assert.deepEqual((await api.ask("GET", "/v1/timeouts")).body, { tcp: 900, tcpFin: 120, udp: 30 });
  assert.equal((await api.ask("PATCH", "/v1/sysctls", { drop_entry: 1, sync_threshold: [4, 8] })).body.drop_entry, 1);
  assert.deepEqual((await api.ask("GET", "/v1/sysctls")).body.sync_threshold, [4, 8]);
  const rules = { marks: [{ mark: 7, family: 4, protocol: "tcp", to: "10.0.0.0/8", ports: "80-90" }, { mark: 8, family: 6 }] };
  assert.deepEqual((await api.ask("PUT", "/v1/marks", rules)).body, rules);
  assert.deepEqual((await api.ask("GET", "/v1/marks")).body, rules);
  const started = await api.ask("POST", "/v1/sync-daemons", { role: "master", interface: "eth0", syncId: 3 });
  assert.deepEqual([started.status, started.body.group], [201, "224.0.0.81"]);
  assert.equal((await api.ask("GET", "/v1/sync-daemons")).body.daemons.length, 1);
  assert.equal((await api.ask("DELETE", "/v1/sync-daemons/master")).status, 204);
  assert.equal((await api.ask("POST", "/v1/zero")).status, 204);
  assert.deepEqual(api.hub.since(0).events.map(({ event }) => (event.kind === "configuration" ? event.changes[0] : event.kind)), [
    "timeouts: tcp 900 s, tcp after FIN 120 s, udp 30 s",
    "sysctl net.ipv4.vs.drop_entry = 1",
    "marks: mark 7: tcp to 10.0.0.0/8 port 80-90; mark 8: any protocol in IPv6",
    "sync daemon master: started on eth0, sync id 3",
    "sync daemon master: stopped",
  ]);
});

test("who answers, how the data plane is, what was counted, what /proc prints", async () => {
  const counters = { connections: 1n, packetsIn: 2n ** 60n, packetsOut: 3n, bytesIn: 4n, bytesOut: 5n };
  const api = new MemoryApi({ totals: { counters, processors: [counters], rates: counters } });
  assert.deepEqual((await api.ask("GET", "/v1")).body, { name: "weir", version: "1.2.3", namespace: "net:[1]" });
  assert.equal((await api.ask("GET", "/v1/status")).body.connectionTables.length, 2);
  assert.deepEqual((await api.ask("GET", "/v1/verdicts")).body, {});
  assert.equal((await api.ask("GET", "/v1/totals")).body.counters.packetsIn, "1152921504606846976");
  const proc = await api.ask("GET", "/v1/proc/ip_vs_stats");
  assert.equal(proc.type, "text/plain; charset=utf-8");
  assert.match(proc.text, /^   Total Incoming Outgoing/);
});

test("the health of servers is told with what their checks said", async () => {
  const service = { kind: "address", protocol: "tcp", address: "10.0.0.100", port: 80 } as const;
  const at = new Date("2026-01-02T03:04:05Z");
  const api = new MemoryApi({ operations: { health: {
    servers: () => [{ service, server: { address: "10.1.0.1", port: 80 }, state: "down", since: at, weight: 3, weightGiven: undefined, checks: [
      { check: "tcp 10.1.0.1:80", healthy: false, verdict: "connection refused", at, failures: 3 }, { check: "ping 10.1.0.1", healthy: undefined, verdict: "", at: undefined, failures: 0 }] }],
    quorums: () => [{ service, held: true, since: at, weight: 1, needed: 1, sorryServer: undefined, sorry: undefined }],
  } } });
  assert.deepEqual((await api.ask("GET", "/v1/health")).body, {
    servers: [{ service: "tcp/10.0.0.100:80", server: "10.1.0.1:80", healthy: false, state: "down", since: at.toISOString(), weight: 3, weightGiven: null, checks: [
      { check: "tcp 10.1.0.1:80", healthy: false, verdict: "connection refused", at: at.toISOString(), failures: 3 }, { check: "ping 10.1.0.1", healthy: null, verdict: "", at: null, failures: 0 }] }],
    quorums: [{ service: "tcp/10.0.0.100:80", held: true, since: at.toISOString(), weight: 1, needed: 1, sorryServer: null, sorry: null }],
  });
  assert.deepEqual((await new MemoryApi().ask("GET", "/v1/health")).body, { servers: [], quorums: [] });
});

const connection = (port: number): Connection => ({
  protocol: port % 2 === 0 ? "tcp" : "udp", state: port % 2 === 0 ? "ESTABLISHED" : "UDP", expiresSeconds: port, forward: "masq",
  client: { address: "10.0.0.2", port }, virtual: { address: "10.0.0.100", port: 80 }, destination: { address: `10.1.0.${port % 4}`, port: 8080 },
});

test("connections come by page, and those that are asked for only", async () => {
  const api = new MemoryApi({ connections: Array.from({ length: 25 }, (_, i) => connection(i + 1)) });
  const ports = async (query: string): Promise<number[]> => {
    const found: number[] = [];
    for (let after: number | null = 0, pages = 0; after !== null; pages++) {
      assert.ok(pages < 30);
      const { body } = await api.ask("GET", `/v1/connections?after=${after}${query}`);
      found.push(...body.connections.map(({ client }: { client: { port: number } }) => client.port));
      after = body.next;
    }
    return found;
  };
  const all = Array.from({ length: 25 }, (_, i) => i + 1);
  assert.deepEqual(await ports(""), all);
  assert.deepEqual(await ports("&limit=4"), all);
  assert.deepEqual(await ports("&limit=25"), all);
  assert.deepEqual(await ports("&limit=2&protocol=udp"), all.filter((port) => port % 2 === 1));
  assert.deepEqual(await ports("&destination=10.1.0.3:8080&limit=1"), all.filter((port) => port % 4 === 3));
  assert.deepEqual(await ports("&client=10.0.0.2:7"), [7]);
  assert.deepEqual(await ports("&virtual=10.0.0.101"), []);
  assert.deepEqual(await ports("&state=UDP&destination=10.1.0.1"), all.filter((port) => port % 4 === 1));
});

test("a hundred thousand connections are streamed, a line each, and no further than somebody reads", async () => {
  let made = 0;
  const director = Object.assign(Object.create(new MemoryApi().director) as MemoryApi["director"], { *connections() { for (let i = 0; i < 100_000; i++) { made++; yield connection(i & 0xffff); } } });
  const api = new MemoryApi({ director });
  const { text, type } = await api.ask("GET", "/v1/connections?protocol=tcp", undefined, { accept: "application/x-ndjson" });
  assert.equal(type, "application/x-ndjson");
  const lines = text.trimEnd().split("\n");
  assert.deepEqual([made, lines.length, JSON.parse(lines[1]!).client.port], [100_000, 50_000, 2]);

  made = 0;
  const response = await api.api.fetch(new Request("http://x/v1/connections", { headers: { accept: "application/x-ndjson" } }));
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
  assert.ok(made < 5000, `${made} were made`);
});

test("changes are made one after another, and each is an event", async () => {
  const seen: string[] = [];
  let [within, most] = [0, 0];
  const exclusively = async <T>(use: () => Promise<T>): Promise<T> => {
    most = Math.max(most, ++within);
    await new Promise((resolve) => setTimeout(resolve, 1));
    try { return await use(); } finally { within--; }
  };
  const api = new MemoryApi({ operations: { exclusively } });
  const end = api.operations.events.subscribe(({ event }: NumberedEvent) => void seen.push(event.kind === "configuration" ? `${event.by} ${event.changes.join()}` : event.kind));
  const statuses = await Promise.all([...Array(10)].map((_, i) => api.ask("POST", "/v1/services", { ...WEB, port: 80 + (i % 5) }).then(({ status }) => status)));
  end();
  assert.deepEqual([most, statuses.filter((status) => status === 201).length, statuses.filter((status) => status === 409).length], [1, 5, 5]);
  assert.deepEqual(seen, [80, 81, 82, 83, 84].map((port) => `api service tcp 10.0.0.100:${port}: added, scheduler wrr`));
});
