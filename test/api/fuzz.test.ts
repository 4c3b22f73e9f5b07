// Requests at random, most of them nearly right: each is answered by what the document says, or refused by a problem that is the client's;
// what is refused has changed nothing, and so has what only asks. WEIR_SEED=n repeats one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Machine } from "#ebpf/machine.js";
import { StoreDirector } from "#control/director.js";
import { MachineStore } from "#control/machine-store.js";
import type { Connection } from "#model/director.js";
import { SYSCTL_NAMES } from "#model/sysctls.js";
import { Random } from "../packets/random.js";
import { MemoryApi } from "./memory-api.js";

const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 0xffff_ffff)) >>> 0 || 1;
const REQUESTS = 20_000;
/** On the director of maps each takes longer. */
const REQUESTS_OF_MAPS = 2_000;
/** Of services, that comparing them takes no time: then all are cleared. */
const SERVICES_MAX = 12;

const ADDRESSES = ["10.0.0.100", "10.0.0.101", "fd00::100", "10.1.0.1", "10.1.0.2:8080", "[fd00::11]:80", "224.0.0.1", "0.0.0.0", "256.1.1.1", "fe80::1", "", "::ffff:10.0.0.1"];
const WORDS = ["tcp", "udp", "sctp", "nat", "dr", "tun", "wrr", "sh", "mh", "none", "sip", "gue", "gre", "master", "eth0", "eth9", "__proto__", "constructor", "\u0000", "\ud800", "💥", "%", "%00", "../..", "a".repeat(300)];
const NUMBERS = [0, 1, 2, 80, 81, 65535, 65536, -1, 0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 1e308, 255];
const HEADERS: readonly Record<string, string>[] = [{ "content-type": "application/yaml" }, { "content-type": "text/html" }, { "if-match": "*" }, { "if-match": '"x"' }, { accept: "application/x-ndjson" }, { "last-event-id": "1-1" }, { "content-type": "application/json; charset=x" }];
const KEYS = ["protocol", "address", "port", "fwmark", "family", "scheduler", "schedulerFlags", "persistent", "netmask", "persistenceEngine", "onePacket", "method", "weight", "upperThreshold", "lowerThreshold", "tunnel",
  "type", "checksum", "tcp", "tcpFin", "udp", "marks", "mark", "from", "to", "fromPorts", "ports", "role", "interface", "syncId", "group", "ttl", "services", "destinations", "interfaces", "addresses", "timeouts", "sysctl", "defaults", "checks", "vip"];

class Requests {
  constructor(readonly random: Random, readonly paths: readonly string[]) {}

  next(): { readonly method: string; readonly path: string; readonly body: unknown; readonly headers: Record<string, string> } {
    const { random } = this;
    const method = random.pick(["GET", "GET", "POST", "POST", "POST", "PATCH", "PUT", "DELETE", "HEAD"]);
    const path = random.percent(3) ? `/${random.pick(WORDS.map(encodeSafely))}` : random.pick(this.paths).replaceAll(/\{(\w+)\}/g, (_, name: string) => this.parameter(name));
    const hasBody = method !== "GET" && method !== "HEAD" && random.percent(90);
    const body = hasBody ? this.body(path) : undefined;
    const type: Record<string, string> = typeof body === "string" && random.percent(70) ? { "content-type": "application/json" } : {};
    return { method, path: `${path}${random.percent(15) ? this.query() : ""}`, body, headers: { ...type, ...(random.percent(15) ? random.pick(HEADERS) : {}) } };
  }

  parameter(name: string): string {
    const { random } = this;
    if (random.percent(8)) return encodeSafely(random.pick([...WORDS, ...ADDRESSES]));
    if (name === "kind") return random.pick(["tcp", "tcp", "tcp", "udp", "fwmark", "fwmark6"]);
    if (name === "role") return random.pick(["master", "backup"]);
    if (name === "name") return random.pick(["ip_vs", "ip_vs_conn", "ip_vs_stats_percpu"]);
    return encodeSafely(random.pick(["10.0.0.100:80", "10.0.0.100:80", "10.1.0.1:80", "[fd00::100]:80", "1", "2"]));
  }

  query(): string {
    const { random } = this;
    const pair = () => `${random.pick(["limit", "after", "client", "protocol", "state", "file", "x"])}=${encodeSafely(`${random.pick([...NUMBERS, ...ADDRESSES, ...WORDS])}`)}`;
    return `?${Array.from({ length: 1 + random.below(2) }, pair).join("&")}`;
  }

  /** Nearly right, with now and then one thing in it that is not. */
  body(path: string): unknown {
    const { random } = this;
    if (random.percent(5)) return random.pick(["{", "[]", "null", "1", "a: [", "services: *x", '{"a":1,"a":2}', "&a [*a]", "services: []\nservices: []", "%YAML 9"]);
    const right = this.right(path);
    return random.percent(40) ? this.mutated(right) : right;
  }

  right(path: string): Record<string, unknown> {
    const { random } = this;
    if (path.endsWith("/destinations")) return this.destination();
    if (path.includes("/destinations/")) return { weight: random.pick([0, 1, 5]), ...(random.percent(30) ? { upperThreshold: 9, lowerThreshold: random.pick([3, 12]) } : {}) };
    if (path === "/v1/services") return this.service();
    if (path.startsWith("/v1/services/")) return { scheduler: random.pick(["rr", "wrr", "sh", "mh"]), ...(random.percent(40) ? { persistent: random.pick([0, 60]), schedulerFlags: ["sh-port"] } : {}) };
    if (path === "/v1/timeouts") return { tcp: 900 + random.below(3), udp: 300 };
    if (path === "/v1/sysctls") return { [random.pick(SYSCTL_NAMES)]: random.pick([0, 1, 2, [3, 50]]) };
    if (path === "/v1/marks") return { marks: Array.from({ length: random.below(3) }, () => ({ mark: 1 + random.below(3), to: random.pick(["10.0.0.0/8", "fd00::/8"]), ...(random.percent(50) ? { protocol: "tcp", ports: random.pick([80, "80-90", "90-80"]) } : {}) })) };
    if (path === "/v1/sync-daemons") return { role: random.pick(["master", "backup"]), interface: "eth0", syncId: random.below(3) };
    return { services: Array.from({ length: random.below(3) }, () => ({ ...this.service(), destinations: Array.from({ length: random.below(3) }, () => this.destination()) })), ...(random.percent(30) ? { addresses: [{ vip: "10.0.0.100", interface: "eth0" }], timeouts: { udp: 30 } } : {}) };
  }

  service(): Record<string, unknown> {
    const { random } = this;
    const id = random.percent(25) ? { fwmark: 1 + random.below(3), family: random.pick([4, 6]) } : { protocol: random.pick(["tcp", "tcp", "udp", "sctp"]), address: random.pick(["10.0.0.100", "fd00::100"]), port: random.pick([80, 80, 81, 0]) };
    return { ...id, scheduler: random.pick(["rr", "wrr", "sh", "mh", "wlc"]), ...(random.percent(30) ? { persistent: 60 } : {}) };
  }

  destination(): Record<string, unknown> {
    const { random } = this;
    return { address: random.pick(["10.1.0.1", "10.1.0.2", "10.1.0.1:8080", "fd00::11"]), method: random.pick(["nat", "dr", "tun"]), weight: random.below(4), ...(random.percent(20) ? { tunnel: { type: random.pick(["ipip", "gue", "gre"]), port: 6080 } } : {}) };
  }

  mutated(value: unknown): unknown {
    const { random } = this;
    const any = (): unknown => random.pick<unknown>([...NUMBERS, ...WORDS, ...ADDRESSES, null, true, [], {}, [[]], { __proto__: null, a: {} }]);
    if (Array.isArray(value)) return value.length === 0 || random.percent(20) ? any() : value.map((inner, i) => (i === value.length - 1 ? this.mutated(inner) : inner));
    if (typeof value !== "object" || value === null) return any();
    const keys = Object.keys(value);
    const key = keys.length === 0 || random.percent(30) ? random.pick(KEYS) : random.pick(keys);
    return { ...value, [key]: random.percent(60) ? this.mutated((value as Record<string, unknown>)[key]) : any() };
  }
}

/** What stands in a URL; half a surrogate pair cannot. */
const encodeSafely = (text: string): string => (text === "%" || text === "%00" || text === "../.." ? text : encodeURIComponent(text.replace(/\p{Surrogate}/gu, "?")));

const connection: Connection = {
  protocol: "tcp", state: "ESTABLISHED", expiresSeconds: 9, forward: "masq", client: { address: "10.0.0.2", port: 5 }, virtual: { address: "10.0.0.100", port: 80 }, destination: { address: "10.1.0.1", port: 80 },
};

/** `common`: statuses that must have come. */
async function fuzz(api: MemoryApi, count: number, common: readonly number[]): Promise<void> {
  const requests = new Requests(new Random(seed), api.api.routes.map(({ path }) => path));
  const statuses = new Map<number, number>();
  let before = api.state();
  for (let i = 0; i < count; i++) {
    const { method, path, body, headers } = requests.next();
    const what = () => `WEIR_SEED=${seed}, request ${i}: ${method} ${path} ${JSON.stringify(headers)} ${JSON.stringify(body)}`;
    const { status, text } = await api.ask(method, path, body, headers).catch((error: Error) => assert.fail(`${what()}\n${error.stack}`));
    assert.ok((status >= 200 && status < 300) || (status >= 400 && status < 500), `${what()}\n${status} ${text}`);
    const now = api.state();
    if (status >= 400 || method === "GET" || method === "HEAD" || path.startsWith("/v1/plan")) assert.equal(now, before, what());
    before = now;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (api.operations.services().length > SERVICES_MAX) {
      await api.ask("DELETE", "/v1/services");
      before = api.state();
    }
  }
  assert.deepEqual(api.failures, []);
  assert.equal(api.hub.listeners, 0, "who does not read any more does not listen");
  // A fuzz that only ever meets one wall finds nothing.
  for (const status of common) assert.ok((statuses.get(status) ?? 0) > 2, `WEIR_SEED=${seed}: ${status} came ${statuses.get(status) ?? 0} times`);
}

test(`requests at random are answered or refused, and what is refused changes nothing (${REQUESTS} of them, WEIR_SEED=${seed})`, () => fuzz(new MemoryApi({ connections: [connection] }), REQUESTS, [200, 201, 204, 400, 404, 405, 409, 412, 415, 422]));

test(`and so on the director of maps (${REQUESTS_OF_MAPS} of them, WEIR_SEED=${seed})`, async () => {
  const store = new MachineStore(new Machine(), { processors: 1, connections: 64, connectionsIpv6: 64, destinations: 1024, fibGivesSource: false, csumKnowsIpv6: true, tcx: true }, () => 0n);
  await fuzz(new MemoryApi({ director: new StoreDirector(store) }), REQUESTS_OF_MAPS, [200, 201, 404, 422]);
});
