// Every command that was recorded of the real ipvsadm, in its order, on a director in memory: same text, same stream,
// same exit status. Then the same commands, but for what it lacks, on the director that keeps its state in maps.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Environment } from "#cli/ipvsadm/ipvsadm.js";
import { ipvsadm } from "#cli/ipvsadm/ipvsadm.js";
import type { Names } from "#cli/ipvsadm/names.js";
import { ServiceTable } from "#cli/ipvsadm/names.js";
import { StoreDirector } from "#control/director.js";
import { MachineStore } from "#control/machine-store.js";
import { Machine } from "#ebpf/machine.js";
import type { Director } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import type { Recorded } from "./transcript.js";
import { readTranscript, splitWords } from "./transcript.js";

/** The recorded commands that are not replayed as they stand, by recording and line, and why. */
const EXCEPTIONS: Readonly<Record<string, { readonly reason: string; readonly words?: readonly string[] }>> = {
  "cli.txt:$ ipvsadm ": { reason: "no arguments; the recording has a blank behind the command", words: [] },
  "errors.txt:$ ipvsadm -A -t 10.0.0.100:81 -s ": { reason: "the recording lost the quotes of an empty argument", words: ["-A", "-t", "10.0.0.100:81", "-s", ""] },
  "errors.txt:$ ipvsadm -Ln   (uid 65534)": { reason: "privileges belong to the process: bin.test.ts" },
};

/** The hosts and services that the recordings name, as Debian's /etc/hosts and /etc/services have them. */
const services = new ServiceTable(`
tcpmux 1/tcp
ssh 22/tcp
domain 53/tcp
domain 53/udp
tftp 69/udp
http 80/tcp www # WorldWideWeb HTTP
https 443/tcp
https 443/udp
sip 5060/tcp
sip 5060/udp
http-alt 8080/tcp webcache
http-alt 8080/udp`);
const names: Names = {
  hostToAddress: async (host) => (host === "localhost" ? "127.0.0.1" : undefined),
  addressToHost: async (address) => (address === "127.0.0.1" ? "localhost" : undefined),
  serviceToPort: (service, protocol) => services.port(service, protocol),
  portToService: (port, protocol) => services.service(port, protocol),
};

type Mark = (stream: "out" | "err", line: string) => string;

const INTERFACES = new Map([["lo", 65536], ["dm0", 1500]]);

/** `hashSalt`: where the kernel had the network namespace's state when this was recorded; it decides what --nosort shows. */
async function replay(recording: string, hashSalt: number, mark: Mark): Promise<void> {
  const director = new MemoryDirector({ interfaces: INTERFACES, hashSalt });
  const different: string[] = [];
  for (const recorded of readTranscript(recording)) {
    const words = wordsOf(recording, recorded);
    if (words === undefined) continue;
    const { printed, status } = await run(words, recorded, director, mark);
    if (printed !== recorded.printed || status !== recorded.status) {
      different.push(`${recording}:${recorded.line}: ${recorded.command}\n--- recorded, status ${recorded.status}\n${recorded.printed}--- here, status ${status}\n${printed}`);
    }
  }
  assert.equal(different.length, 0, `${different.length} commands differ:\n${different.slice(0, 20).join("\n")}`);
}

/** Undefined: it is not replayed. */
function wordsOf(recording: string, { command }: Recorded): readonly string[] | undefined {
  const exception = EXCEPTIONS[`${recording}:$ ${command}`];
  return exception === undefined ? splitWords(command).slice(1) : exception.words;
}

async function run(words: readonly string[], { input }: Recorded, director: Director, mark: Mark) {
  const written = { out: "", err: "" };
  const environment: Environment = {
    names, findDirector: async () => director, openDirector: async () => director,
    out: (text) => { written.out += text; }, error: (text) => { written.err += text; },
    inputLines: () => input.split("\n"),
  };
  const status = await ipvsadm(words, environment);
  const lines = (stream: "out" | "err") => written[stream].split("\n").slice(0, -1).map((line) => `${mark(stream, line)}\n`).join("");
  return { printed: lines("out") + lines("err"), status };
}

const merged: Mark = (_stream, line) => line;
const marked: Mark = (stream, line) => `${stream}| ${line}`;

test("cli.txt: help, lists and saved rules, empty and full", () => replay("cli.txt", 0xc0, merged));
test("errors.txt: wrong input, and input surprisingly accepted", () => replay("errors.txt", 0, merged));
test("streams.txt: options, values, lists and -R, stdout and stderr apart", () => replay("streams.txt", 0, marked));

/** What the director of maps has not as yet, or otherwise (docs/lvs-compatibility.md): commands that say this are left out. */
const LACKING = /--(?:start-daemon|stop-daemon|daemon|nosort)\b/;
/**
 * Lists of random addresses. Where three have no order among each other (model/order.ts), how they are sorted depends on the order in
 * which the director has its services: the same lines stand in another order.
 */
const REORDERED: readonly string[] = ["streams.txt: ipvsadm -S -n", "streams.txt: ipvsadm -Ln"];
/** Of 8 slots each: as many buckets as the memory's director shows. */
const CONNECTIONS = 4096 * 8;

for (const recording of ["cli.txt", "errors.txt", "streams.txt"]) {
  test(`${recording}, on the director of maps: the same as in memory`, async () => {
    const memory = new MemoryDirector();
    const shape = { processors: 1, connections: CONNECTIONS, connectionsIpv6: 64, destinations: 1024, fibGivesSource: false, csumKnowsIpv6: true, tcx: true };
    const maps = new StoreDirector(new MachineStore(new Machine(), shape, () => 0n));
    let count = 0;
    const different: string[] = [];
    const reordered: string[] = [];
    for (const recorded of readTranscript(recording)) {
      const words = wordsOf(recording, recorded);
      if (words === undefined || LACKING.test(`${words.join(" ")}\n${recorded.input}`)) continue;
      count++;
      const [inMemory, inMaps] = [await run(words, recorded, memory, marked), await run(words, recorded, maps, marked)];
      if (inMemory.printed !== inMaps.printed && sortedLines(inMemory.printed) === sortedLines(inMaps.printed)) reordered.push(`${recording}: ${recorded.command}`);
      else if (inMemory.printed !== inMaps.printed || inMemory.status !== inMaps.status) {
        different.push(`${recording}:${recorded.line}: ${recorded.command}\n--- in memory, status ${inMemory.status}\n${inMemory.printed}--- in maps, status ${inMaps.status}\n${inMaps.printed}`);
      }
    }
    assert.ok(count > 20);
    assert.deepEqual(reordered, REORDERED.filter((command) => command.startsWith(recording)));
    assert.equal(different.length, 0, `${different.length} of ${count} commands differ:\n${different.slice(0, 20).join("\n")}`);
  });
}

function sortedLines(text: string): string {
  return text.split("\n").sort().join("\n");
}
