// ldirectord watches the real servers of three services and changes them by weir's ipvsadm as they die and come back, while a
// client asks at the VIP.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Worker } from "#lab/remote.js";
import { startWorker } from "#lab/remote.js";
import { Bed, needs } from "./bed.js";
import type { Ldirectord } from "./ldirectord.js";
import { startLdirectord, whyNoLdirectord } from "./ldirectord.js";

const lacking = whyNoLdirectord();
/** One for each service: a client may use its port for two services at once, and to a server both connections would be one, as with IPVS. */
const SERVER_PORTS = [8080, 8081, 8082];
/** At the beginning a dozen changes, of three runs of ipvsadm each: some take seconds on a busy machine. */
const CHANGE_MILLISECONDS_MAX = 120_000;
const POLL_MILLISECONDS = 500;

/** Port 80 quiesces what is down, and has r3 to fall back on; 81 removes it; 82 too, by a check that only connects. */
const configuration = (vip: string, [r1, r2, r3]: readonly string[]): string => `
checktimeout=2
negotiatetimeout=2
checkinterval=1
autoreload=no

virtual=${vip}:80
        real=${r1}:8080 masq
        real=${r2}:8080 masq
        fallback=${r3}:8080 masq
        quiescent=yes
        protocol=tcp
        scheduler=rr
        service=http
        request="/"
        receive="^r[12]"

virtual=${vip}:81
        real=${r1}:8081 masq 7
        real=${r2}:8081 masq
        quiescent=no
        protocol=tcp
        scheduler=wrr
        persistent=60
        service=http
        request="/"
        receive="^r[12]"

virtual=${vip}:82
        real=${r1}:8082 masq
        real=${r2}:8082 masq
        quiescent=no
        protocol=tcp
        scheduler=rr
        checktype=connect
`;

describe("ldirectord", { ...needs, ...(lacking === undefined ? {} : { skip: lacking }) }, () => {
  let bed: Bed;
  let ldirectord: Ldirectord;
  const revived: Worker[] = [];
  before(async () => {
    bed = await Bed.open("nat");
    await bed.serve({ http: SERVER_PORTS });
    ldirectord = startLdirectord(bed, configuration(bed.topology.vip, bed.topology.addresses.servers));
  });
  after(async () => {
    await ldirectord?.stop();
    await Promise.all(revived.map((worker) => worker.end()));
    await bed?.close();
  });

  /** By port: "r1 7" is r1 with a weight of 7. */
  async function servers(): Promise<Readonly<Record<string, readonly string[]>>> {
    const rules = (await bed.tell("-S -n")).matchAll(/^-a -t \S+:(\d+) -r 10\.0\.0\.1(\d):808\d -m -w (\d+)$/gm);
    const found: Record<string, string[]> = {};
    for (const [, port = "", number, weight] of rules) (found[port] ??= []).push(`r${number} ${weight}`);
    return found;
  }

  async function become(wanted: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const deadline = performance.now() + CHANGE_MILLISECONDS_MAX;
    let found = await servers();
    while (!isDeepStrictEqual(found, wanted) && performance.now() < deadline && ldirectord.runs()) {
      await delay(POLL_MILLISECONDS);
      found = await servers();
    }
    assert.deepEqual(found, wanted, ldirectord.log());
  }

  /** Which servers answer ten requests. */
  async function answering(port: number): Promise<readonly string[]> {
    return Object.keys(await bed.client.distribution({ address: bed.topology.vip, port, count: 10 })).sort();
  }

  async function revive(number: number): Promise<void> {
    const worker = await startWorker(bed.topology.namespaces.servers[number - 1]!);
    revived.push(worker);
    for (const port of SERVER_PORTS) await worker.serveHttp({ name: `r${number}`, port });
  }

  test("makes the services as its file says", async () => {
    await become({ 80: ["r1 1", "r2 1"], 81: ["r1 7", "r2 1"], 82: ["r1 1", "r2 1"] });
    const services = (await bed.tell("-S -n")).split("\n").filter((line) => line.startsWith("-A"));
    const { vip } = bed.topology;
    assert.deepEqual(services, [`-A -t ${vip}:80 -s rr`, `-A -t ${vip}:81 -s wrr -p 60`, `-A -t ${vip}:82 -s rr`]);
    assert.deepEqual(await answering(80), ["r1", "r2"]);
  });

  test("quiesces a killed server, or removes it", async () => {
    await bed.servers[0]!.end();
    await become({ 80: ["r1 0", "r2 1"], 81: ["r2 1"], 82: ["r2 1"] });
    for (const port of [80, 82]) assert.deepEqual(await answering(port), ["r2"]);
  });

  test("falls back when the last one is killed", async () => {
    await bed.servers[1]!.end();
    await become({ 80: ["r1 0", "r2 0", "r3 1"] });
    assert.deepEqual(await answering(80), ["r3"]);
  });

  test("takes a server in again that comes back, and the fallback away", async () => {
    await revive(1);
    await become({ 80: ["r1 1", "r2 0"], 81: ["r1 7"], 82: ["r1 1"] });
    for (const port of [80, 82]) assert.deepEqual(await answering(port), ["r1"]);
    await revive(2);
    await become({ 80: ["r1 1", "r2 1"], 81: ["r1 7", "r2 1"], 82: ["r1 1", "r2 1"] });
    assert.deepEqual(await answering(80), ["r1", "r2"]);
  });

  test("takes its services away when it is stopped; no command of its failed", async () => {
    assert.equal(await ldirectord.stop(), 0, ldirectord.log());
    assert.equal(await bed.tell("-S -n"), "");
    // ldirectord's own alarms may cut its waiting for a command short, which the command does not notice.
    assert.doesNotMatch(ldirectord.log(), /failed: (?!Interrupted system call)|Try `/);
  });
});
