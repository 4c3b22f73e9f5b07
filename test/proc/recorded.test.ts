// The text of /proc/net/ip_vs and its siblings against the real kernel's, byte for byte: the same commands, connections and
// counts on a director in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ipvsadm } from "#cli/ipvsadm/ipvsadm.js";
import type { Names } from "#cli/ipvsadm/names.js";
import type { ProcFile } from "#cli/proc/files.js";
import { PROC_FILES } from "#cli/proc/files.js";
import type { Connection, Counters, DestinationId, Director, Protocol, Totals } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import { printings, readSection } from "./recording.js";

/** Of the machine that was recorded. */
const PROCESSORS = 2;
/** Where that kernel had the network namespace's state: it decides the order of services. */
const HASH_SALT = 0x80;

const print = (file: ProcFile, director: Director): string => [...PROC_FILES[file](director, PROCESSORS)].join("");

test("of a director in which nothing was configured, the headings and zeros", () => {
  const section = readSection("nothing configured");
  for (const file of Object.keys(PROC_FILES) as ProcFile[]) {
    const [recorded = ""] = printings(section, file);
    // That kernel had not loaded ip_vs_ftp; here FTP is always read.
    assert.equal(print(file, new MemoryDirector()), file === "ip_vs_app" ? `${recorded}TCP  21      0      ftp              \n` : recorded, file);
  }
});

test("ip_vs: services of every kind", async () => {
  const section = readSection("services of every kind");
  const director = new MemoryDirector({ hashSalt: HASH_SALT });
  for (const { command } of section.slice(0, -1)) {
    const [program, ...words] = command.split(" ");
    if (program !== "ipvsadm") continue;
    assert.equal(await runQuietly(words, director), 0, command);
  }
  assert.deepEqual([print("ip_vs", director)], printings(section, "ip_vs"));
});

test("ip_vs_conn, ip_vs_conn_sync: connections and templates of both families, with a persistence engine's data", () => {
  const section = readSection("connections");
  const list = section.find(({ command }) => command.startsWith("ipvsadm -Lnc"))!.printed;
  const connections = list.trimEnd().split("\n").slice(2).map(readConnection);
  assert.ok(connections.length > 10);
  const director = new MemoryDirector({ connections });
  for (const file of ["ip_vs_conn", "ip_vs_conn_sync"] as const) assert.deepEqual([print(file, director)], printings(section, file));
});

test("ip_vs_stats, ip_vs_stats_percpu: before and after zeroing, with rates", () => {
  const section = readSection("statistics");
  for (const file of ["ip_vs_stats", "ip_vs_stats_percpu"] as const) {
    const recorded = printings(section, file);
    assert.ok(recorded.length > 3);
    assert.deepEqual(recorded.map((text) => print(file, new MemoryDirector({ totals: readTotals(text) }))), recorded);
  }
});

test("ip_vs_app: FTP, with its control connections by NAT", () => {
  const [without, withThree] = printings(readSection("FTP"), "ip_vs_app");
  assert.equal(print("ip_vs_app", new MemoryDirector()), without);
  const control: Connection = readConnection("TCP 01:59  TIME_WAIT   10.0.0.2:31000     10.0.0.100:21      10.1.0.11:80");
  const others: readonly Partial<Connection>[] = [
    { forward: "route" }, { virtual: { ...control.virtual, port: 80 } }, { client: { ...control.client, port: 0 }, state: "ASSURED" }, { protocol: "udp" },
  ];
  const connections = [control, control, ...others.map((changes) => ({ ...control, ...changes })), control];
  assert.equal(print("ip_vs_app", new MemoryDirector({ connections })), withThree);
});

function runQuietly(words: readonly string[], director: Director): Promise<number> {
  const names: Names = { hostToAddress: async () => undefined, addressToHost: async () => undefined, serviceToPort: () => undefined, portToService: () => undefined };
  const nothing = (): void => undefined;
  return ipvsadm(words, { names, findDirector: async () => director, openDirector: async () => director, out: nothing, error: nothing, inputLines: () => [] });
}

/** A line of `ipvsadm -Lnc --persistent-conn`. */
function readConnection(line: string): Connection {
  const [protocol = "", time = "", state = "", client = "", virtual = "", destination = "", engine, text] = line.trim().split(/\s+/);
  const [minutes = 0, seconds = 0] = time.split(":").map(Number);
  return {
    protocol: protocol.toLowerCase() as Protocol, state, expiresSeconds: minutes * 60 + seconds, forward: "masq",
    client: readEndpoint(client), virtual: readEndpoint(virtual), destination: readEndpoint(destination),
    ...(engine === undefined ? {} : { persistenceData: { engine, text: text ?? "" } }),
  };
}

function readEndpoint(text: string): DestinationId {
  const at = text.lastIndexOf(":");
  return { address: text.slice(0, at).replace(/[[\]]/g, ""), port: Number(text.slice(at + 1)) };
}

/** The numbers of either file. */
function readTotals(text: string): Totals {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/)).filter((cells) => cells.every((cell) => /^[0-9A-F~]+$/.test(cell)));
  const counts = (cells: readonly string[]): Counters => {
    const [connections = 0n, packetsIn = 0n, packetsOut = 0n, bytesIn = 0n, bytesOut = 0n] = cells.slice(-5).map((cell) => BigInt(`0x${cell}`));
    return { connections, packetsIn, packetsOut, bytesIn, bytesOut };
  };
  const [rates = [], counters = [], ...processors] = rows.reverse();
  return { counters: counts(counters), rates: counts(rates), processors: processors.reverse().map(counts) };
}
