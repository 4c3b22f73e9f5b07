// weir and the real IPVS tell each other of connections, in a guest whose kernel has it: what WEIR_ORACLE names runs a script there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { shapeOfThisMachine } from "#control/kernel-store.js";
import { programNames, programSpec } from "#control/programs.js";
import { toAddress, toBe16 } from "#control/encode.js";
import { SyncMessageWriter } from "#control/synchronisation/message.js";
import { TCP_ESTABLISHED } from "#dataplane/protocols/tcp.js";
import { SYNC_SEQUENCES_OUT } from "#wire/ip-vs-sync.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { PROJECT } from "./bed.js";

const oracle = process.env["WEIR_ORACLE"];
const PROCESSORS = 2;
/** Of a guest under emulation on a busy machine. */
const SECONDS_MAX = 1500;

describe("beside the real IPVS", { skip: oracle === undefined && "WEIR_ORACLE names no other kernel" }, () => {
  const cache = mkdtempSync(join(tmpdir(), "weir-oracle-"));
  const { WEIR_CACHE: cacheBefore } = process.env;

  /** The guest's processor is slow: its kernel's programs, Linux 6.1, are compiled here. */
  before(async () => {
    process.env["WEIR_CACHE"] = cache;
    const shape = { ...shapeOfThisMachine({}), processors: PROCESSORS, fibGivesSource: false, csumKnowsIpv6: false, tcx: false };
    for (const name of [...programNames(new Set(), false), "weir_sync", "weir_sync6"] as const) await programSpec(name, shape);
  });

  after(() => {
    if (cacheBefore === undefined) delete process.env["WEIR_CACHE"];
    else process.env["WEIR_CACHE"] = cacheBefore;
    rmSync(cache, { recursive: true });
  });

  function seen(direction: "to-weir" | "to-ipvs" | "shifts", ...more: readonly string[]): { readonly lines: readonly string[]; readonly all: string } {
    const { stdout, stderr } = spawnSync(oracle!, ["test/traffic/synchronisation-oracle.sh", direction, cache, ...more], {
      cwd: PROJECT, encoding: "utf8", env: { ...process.env, MEMORY: "3072", SMP: String(PROCESSORS), SECONDS_MAX: String(SECONDS_MAX) },
    });
    return { lines: stdout.split("\n").filter((line) => line.startsWith("SEEN")).map((line) => line.replace("SEEN ", "").replaceAll(/ +/g, " ").trim()), all: stdout + stderr };
  }

  test("what IPVS tells of connections and their templates, by both versions of its messages, weir enters", () => {
    const { lines, all } = seen("to-weir");
    assert.deepEqual(lines, [
      "version 1: TCP 0A000002 0000 0A000064 0050 0A01000B 1F90 ASSURED SYNC",
      "version 1: TCP 0A000002 4E21 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
      "version 0: TCP 0A000002 0000 0A000064 0050 0A01000B 1F90 ASSURED SYNC",
      "version 0: TCP 0A000002 4E20 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
      "version 0: TCP 0A000002 4E21 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
    ], all);
  });

  test("what weir tells of connections and their templates IPVS enters", () => {
    const { lines, all } = seen("to-ipvs");
    assert.deepEqual(lines, [
      "version 1: UDP 0A000002 0000 0A0000C8 1388 0A00000D 1388 NONE SYNC",
      "version 1: UDP 0A000002 PORT 0A0000C8 1388 0A00000D 1388 UDP SYNC",
      "version 0: UDP 0A000002 0000 0A0000C8 1388 0A00000D 1388 NONE SYNC",
      "version 0: UDP 0A000002 PORT 0A0000C8 1388 0A00000D 1388 UDP SYNC",
      "version 0: UDP 0A000002 PORT 0A0000C8 1388 0A00000D 1388 UDP SYNC",
    ], all);
  });

  test("by what a message says of FTP's sequence numbers IPVS shifts them", () => {
    const { lines, all } = seen("shifts", ...MESSAGES.map(({ version, delta }) => Buffer.from(messageOf(version, delta)).toString("hex")));
    assert.deepEqual(lines, MESSAGES.map(({ delta }) => `seq ${1000 + delta} to the client, ack ${2000 - delta} to the server`), all);
  });
});

/** By both versions, and one that takes it back. */
const MESSAGES = [{ version: 1, delta: 5 }, { version: 0, delta: 7 }, { version: 1, delta: 0 }] as const;

function messageOf(version: 0 | 1, delta: number): Uint8Array {
  const writer = new SyncMessageWriter(version, 7, 1472);
  writer.add({
    family: 4, protocol: IPPROTO_TCP, flags: delta === 0 ? 0 : SYNC_SEQUENCES_OUT, state: TCP_ESTABLISHED, client: toAddress("10.0.0.2"), clientPort: toBe16(30000),
    virtual: toAddress("10.0.0.100"), virtualPort: toBe16(21), server: toAddress("10.1.0.11"), serverPort: toBe16(21), mark: 0, timeoutSeconds: 900,
    ...(delta === 0 ? {} : { sequences: { in: { initial: 0, delta: 0, previousDelta: 0 }, out: { initial: 900, delta, previousDelta: 0 } } }),
  });
  return writer.finish()!;
}
