// FTP by NAT: a client fetches files, by data connections that either end begins, from servers that know only their own
// addresses. What fetches and serves is lab/traffic's; the kernel at both ends is as it comes, and takes no wrong number.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FtpMode } from "#lab/traffic/ftp-client.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";
import { assertAllRight } from "./wires.js";

const FILE_BYTES = 300_000;
/** Each twice: numbers that were shifted once are shifted further. */
const MODES: readonly FtpMode[] = ["PASV", "PORT", "EPSV", "EPRT", "PASV", "PORT", "EPSV", "EPRT"];

for (const { mode, offloads } of [{ mode: "tc", offloads: "on" }, { mode: "xdp", offloads: "off" }] as const) {
  describe(`FTP by NAT at ${mode}`, needs, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.open("nat", { offloads });
      await Promise.all(bed.servers.map((server, i) => server.serveFtp({ name: `r${i + 1}`, port: 21 })));
      await bed.up({ mode, services: [service(bed.topology, { port: 21 })] });
      await bed.topology.warm();
    });
    after(() => bed?.close());

    test("files come intact from the VIP, by data connections of either form that either end begins", async () => {
      const { client, topology } = bed;
      const tap = await topology.tap();
      const fetched = await Promise.all([1, 2, 3].map(() => client.ftp({ address: topology.vip, port: 21, modes: MODES, bytes: FILE_BYTES })));
      assertAllRight((await tap.stop()).frames);
      assert.deepEqual(fetched.map(({ server }) => server).sort(), ["r1", "r2", "r3"]);
      for (const { transfers } of fetched) {
        assert.deepEqual(transfers.map(({ mode, intact }) => ({ mode, intact })), MODES.map((mode) => ({ mode, intact: true })));
        for (const { mode, from } of transfers) assert.match(from, fromVip(topology.vip, mode));
      }
    });
  });
}

/** What the client sees: the port before FTP's where the server calls, else the one that it named. */
function fromVip(vip: string, mode: FtpMode): RegExp {
  return new RegExp(`^${vip.replaceAll(".", "\\.")}:${mode === "PORT" || mode === "EPRT" ? "20" : "\\d+"}$`);
}
