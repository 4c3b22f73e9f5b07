// Command lines that are nearly ipvsadm's, to the director in memory and to that of maps: the same text, status and services from both; what fails says why
// and has changed nothing; what succeeds has done what was asked; and what `-S` prints, `-R` makes again, and so does weir.yaml when it is imported.

import assert from "node:assert/strict";
import type { Environment } from "#cli/ipvsadm/ipvsadm.js";
import { ipvsadm } from "#cli/ipvsadm/ipvsadm.js";
import type { Names } from "#cli/ipvsadm/names.js";
import { importConfiguration } from "#cli/weir/import.js";
import { StoreDirector } from "#control/director.js";
import { MachineStore } from "#control/machine-store.js";
import { printDocument } from "#convert/document.js";
import { Machine } from "#ebpf/machine.js";
import { parseConfig } from "#model/config.js";
import { diffServices } from "#model/diff.js";
import type { Director, ServiceState } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import { Random } from "../packets/random.js";
import { Outcomes, assertClear } from "./judge.js";
import { stateOf } from "./state.js";

const SHAPE = { processors: 1, connections: 4096 * 8, connectionsIpv6: 64, destinations: 1024, fibGivesSource: false, csumKnowsIpv6: true, tcx: true };
/** Then all are cleared, so that comparing them takes no time. */
const SERVICES_MAX = 8;
/** A rule for `-R` now and then, else a command. */
const RESTORE_PERCENT = 5;
const STATUS_MAX = 255;

const names: Names = {
  hostToAddress: async (host) => (host === "localhost" ? "127.0.0.1" : undefined), addressToHost: async () => undefined,
  serviceToPort: (service) => (service === "http" ? 80 : undefined), portToService: () => undefined,
};

/** What a line that was not tampered with asks for. */
interface Meaning {
  readonly command: "-A" | "-E" | "-D" | "-a" | "-e" | "-d" | "-C" | "-L" | "-S" | "-Z" | "--set";
  readonly service: string;
  readonly server: string;
}
interface Line {
  readonly words: readonly string[];
  readonly meaning: Meaning | undefined;
}

const SERVICES = ["-t 10.0.0.100:80", "-t 10.0.0.100:81", "-u 10.0.0.100:53", "--sctp-service 10.0.0.100:80", "-t [fd00::100]:80", "-f 1"];
const SERVERS = ["10.1.0.1:80", "10.1.0.2:8080", "[fd00::11]:80"];
const SCHEDULERS = ["rr", "wrr", "lc", "wlc", "sh", "dh", "sed", "nq", "fo", "ovf", "mh", "lblc", "lblcr", "nosuch"];
const SERVICE_OPTIONS = ["-p", "-p 60", "-M 255.255.255.0", "-o", "-b sh-port", "--pe sip"];
const SERVER_OPTIONS = ["-g", "-i", "-m", "-w 0", "-w 5", "-x 10", "-y 5", "--tun-type gue --tun-port 6080", "--tun-type gre --tun-csum", "--tun-type ipip"];
const LIST_OPTIONS = ["-n", "--stats", "--rate", "--thresholds", "--persistent-conn", "--timeout", "-c", "--exact", "--sort", "--tun-info"];
const STRANGE = [
  "", "-", "--", "-t", "-r", "-w", "--weight", "-1", "99999999999", "4294967296", "0x10", "1e3", "10.0.0.100", "10.0.0.100:", ":80", "10.0.0.256:80", "[fd00::100]", "[fd00::100", "fd00::100:80", "http", "localhost:http",
  "%s", "%n", "\u0000", "💥", "a".repeat(500), "__proto__", "constructor", "-6", "-Ln", "-ALC", "--no-such", "-h", "-v", "--set", "!#:+", ",", "sh-port,", "-wx", "--tun-port=70000",
];

/** Of the service as it is named on a command line. */
function idText(service: string): string {
  const [option, name] = service.split(" ") as [keyof typeof PROTOCOLS, string];
  return option === "-f" ? `fwmark ${name}` : `${PROTOCOLS[option]} ${name}`;
}
const PROTOCOLS = { "-t": "tcp", "-u": "udp", "--sctp-service": "sctp", "-f": "" } as const;

function findService(director: Director, service: string): ServiceState | undefined {
  return director.services().find(({ id }) => formatServiceId(id) === idText(service));
}

class Lines {
  constructor(readonly random: Random, readonly director: Director) {}

  next(): Line {
    const { random } = this;
    const line = this.#right();
    if (random.percent(55)) return line;
    const words = [...line.words];
    for (let i = 1 + random.below(2); i > 0; i--) {
      const at = random.below(words.length + 1);
      const kind = random.below(4);
      if (kind === 0) words.splice(at, 1);
      else if (kind === 1) words.splice(at, 0, random.pick(STRANGE));
      else if (kind === 2) words[at] = random.pick(STRANGE);
      else words.splice(at, 0, ...random.pick([...SERVICE_OPTIONS, ...SERVER_OPTIONS, ...LIST_OPTIONS, ...SERVICES]).split(" "));
    }
    return { words, meaning: undefined };
  }

  #right(): Line {
    const { random } = this;
    const command = random.pick(["-A", "-A", "-A", "-E", "-D", "-a", "-a", "-a", "-a", "-e", "-d", "-C", "-L", "-L", "-S", "-Z", "--set"] as const);
    // What is there already is more often met than chance would.
    const there = SERVICES.filter((one) => findService(this.director, one) !== undefined);
    const service = random.pick(command !== "-A" && there.length > 0 && random.percent(80) ? there : SERVICES);
    const servers = findService(this.director, service)?.destinations.map(formatEndpoint) ?? [];
    const server = random.pick(command !== "-a" && servers.length > 0 && random.percent(80) ? servers : SERVERS);
    const some = (options: readonly string[]) => options.filter(() => random.percent(15)).flatMap((option) => option.split(" "));
    const words = [
      command,
      ...(["-C", "-L", "-S", "--set"].includes(command) || (command === "-Z" && random.percent(50)) ? [] : service.split(" ")),
      ...(["-a", "-e", "-d"].includes(command) ? ["-r", server, ...(command === "-d" ? [] : some(SERVER_OPTIONS))] : []),
      ...(["-A", "-E"].includes(command) ? ["-s", random.pick(SCHEDULERS), ...some(SERVICE_OPTIONS)] : []),
      ...(command === "-L" ? some(LIST_OPTIONS) : command === "-S" ? some(["-n"]) : []),
      ...(command === "--set" ? [0, 0, 0].map(() => String(random.pick([0, 30, 900, 2_147_484]))) : []),
    ];
    return { words, meaning: { command, service, server } };
  }
}

interface Outcome {
  readonly out: string;
  readonly error: string;
  readonly status: number;
}

async function run(words: readonly string[], director: Director, input: string): Promise<Outcome> {
  const written = { out: "", error: "" };
  const environment: Environment = {
    names, findDirector: async () => director, openDirector: async () => director,
    out: (text) => { written.out += text; }, error: (text) => { written.error += text; }, inputLines: () => input.split("\n"),
  };
  const status = await ipvsadm(words, environment);
  return { ...written, status };
}

export async function fuzzIpvsadm(seed: number, count: number): Promise<void> {
  const random = new Random(seed);
  const outcomes = new Outcomes();
  const memory = new MemoryDirector();
  const lines = new Lines(random, memory);
  const maps = new StoreDirector(new MachineStore(new Machine(), SHAPE, () => 0n));
  for (let i = 0; i < count; i++) {
    const restores = random.percent(RESTORE_PERCENT);
    const line = restores ? { words: ["-R"], meaning: undefined } : lines.next();
    const input = restores ? Array.from({ length: 1 + random.below(5) }, () => lines.next().words.join(" ")).join("\n") : "";
    const what = `line ${i}: ipvsadm ${JSON.stringify(line.words)} ${JSON.stringify(input)}`;
    const before = stateOf(memory);
    const outcome = await run(line.words, memory, input).catch((error: Error) => assert.fail(`${what}\n${error.stack}`));
    assert.deepEqual(await run(line.words, maps, input), outcome, what);
    outcomes.add(outcome.status === 0 ? line.words[0] ?? "" : "refused");
    judge(outcome, line, { before, now: stateOf(memory), restores, director: memory, what });
    if (outcome.status === 0 && random.percent(2)) await assertSaves(memory, what);
    if (memory.services().length <= SERVICES_MAX) continue;
    memory.clear();
    maps.clear();
  }
  outcomes.assertCommon(["refused", "-A", "-E", "-D", "-a", "-e", "-d", "-C", "-L", "-S", "-Z", "--set", "-R"], Math.floor(count / 2000));
}

interface Circumstances {
  readonly before: string;
  readonly now: string;
  readonly restores: boolean;
  readonly director: Director;
  readonly what: string;
}

function judge({ out, error, status }: Outcome, { words, meaning }: Line, { before, now, restores, director, what }: Circumstances): void {
  assert.ok(Number.isInteger(status) && status >= 0 && status <= STATUS_MAX, what);
  if (status !== 0) {
    // Messages of libipvs and popt begin with what was attempted or found; -R's last line may have failed after others succeeded.
    assertClear(`${error}${out}`, what);
    if (!restores) assert.equal(now, before, what);
  }
  if (status === 0 && (words[0] === "-L" || words[0] === "-S") && meaning !== undefined) assert.equal(now, before, what);
  if (status !== 0 || meaning === undefined) return;
  const { command } = meaning;
  const service = findService(director, meaning.service);
  if (command === "-C") assert.equal(director.services().length, 0, what);
  if (command === "-A" || command === "-E") assert.ok(service !== undefined, what);
  if (command === "-D") assert.equal(service, undefined, what);
  if (command === "-d") assert.ok(!service!.destinations.some((one) => formatEndpoint(one) === meaning.server), what);
  if (command === "-a" || command === "-e") {
    const address = meaning.server.replace(/:\d+$/, "").replace(/[[\]]/g, "");
    assert.ok(service!.destinations.some((one) => one.address === address), what);
  }
}

async function assertSaves(director: Director, what: string): Promise<void> {
  const saved = await run(["-S", "-n"], director, "");
  const again = new MemoryDirector();
  const restored = await run(["-R"], again, saved.out);
  assert.deepEqual([restored.status, restored.error, (await run(["-S", "-n"], again, "")).out], [0, "", saved.out], what);
  const { services } = parseConfig(printDocument(await importConfiguration("ipvsadm", "rules", saved.out), "rules"), { file: "weir.yaml", environment: {} });
  assert.deepEqual(diffServices(again.services().map(withoutPortsOfMarks), services), [], what);
}

/** Of a service by mark, weir.yaml has no ports where none is changed; `weir import` says so. */
function withoutPortsOfMarks(service: ServiceState): ServiceState {
  if (service.id.kind === "address") return service;
  return { ...service, destinations: service.destinations.map((one) => (one.forward === "masq" ? one : { ...one, port: 0 })) };
}
