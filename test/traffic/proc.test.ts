// What weir proc prints of a director that forwards, against what its other tools say of it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bed, needs, succeeded } from "./bed.js";

describe("weir proc", needs, () => {
  let bed: Bed;
  const proc = async (name: string): Promise<string> => succeeded(await bed.weir(["proc", name]));
  before(async () => {
    bed = await Bed.open("nat");
    const { client, topology: { vip, addresses: { servers } } } = bed;
    await bed.serve({ http: [8080] });
    await bed.tell(`-A -t ${vip}:80 -s rr`);
    await bed.tell(`-a -t ${vip}:80 -r ${servers[0]}:8080 -m`);
    for (let localPort = 40000; localPort < 40003; localPort++) await client.get({ address: vip, port: 80, localPort });
  });
  after(() => bed?.close());

  test("ip_vs: the service, its server and how many connections it has", async () => {
    const [banner = "", ...lines] = (await proc("ip_vs")).split("\n");
    assert.equal(banner, (await bed.tell("-Ln")).split("\n")[0]);
    assert.deepEqual(lines, [
      "Prot LocalAddress:Port Scheduler Flags", "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn",
      "TCP  CB007164:0050 rr  ", "  -> 0A00000B:1F90      Masq    1      0          3         ", "",
    ]);
  });

  test("ip_vs_conn, ip_vs_conn_sync: each connection with its ends", async () => {
    const [, ...connections] = (await proc("ip_vs_conn")).trimEnd().split("\n");
    const ends = [40000, 40001, 40002].map((port) => `TCP C633640A ${port.toString(16).toUpperCase()} CB007164 0050 0A00000B 1F90 TIME_WAIT  `);
    assert.deepEqual(connections.map((line) => line.replace(/ +1[012]\d$/, "")).sort(), ends.map((line) => line.trimEnd()));
    const [, ...synchronised] = (await proc("ip_vs_conn_sync")).trimEnd().split("\n");
    assert.deepEqual(synchronised.map((line) => line.replace(/ +1[012]\d$/, "")).sort(), ends.map((line) => `${line} LOCAL`));
  });

  test("ip_vs_stats: the sum of the processors, which outlives the service and is zeroed alone", async () => {
    const shown = numbers((await bed.tell("-Ln --stats")).split("\n").find((line) => line.startsWith("TCP"))!.replace(/^\S+ +\S+/, ""), 10);
    assert.equal(shown[0], 3);
    const stats = async () => numbers((await proc("ip_vs_stats")).split("\n")[2]!, 16);
    const processors = async () => (await proc("ip_vs_stats_percpu")).split("\n").filter((line) => /^ +\d/.test(line)).slice(0, -1).map((line) => numbers(line, 16).slice(1));
    const sum = (rows: readonly number[][]) => rows.reduce((total, row) => total.map((count, i) => count + row[i]!));
    assert.deepEqual(await stats(), shown);
    assert.deepEqual(sum(await processors()), shown);
    await bed.tell("-C");
    assert.deepEqual(await stats(), shown);
    await bed.tell("-Z");
    assert.deepEqual(await stats(), [0, 0, 0, 0, 0]);
    assert.deepEqual(sum(await processors()), shown);
  });
});

function numbers(line: string, base: number): number[] {
  return line.trim().split(/\s+/).map((cell) => parseInt(cell, base));
}
