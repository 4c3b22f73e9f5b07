// Frames as on a wire, at each hook that weir can stand at. Every frame that anybody sends is taken apart and verified;
// the answers of DR and TUN are shown to pass the director by.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dissect } from "#lab/dissect.js";
import type { WireFrame } from "#lab/tap.js";
import { portOf } from "#lab/build.js";
import { METHODS } from "#lab/plan.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";
import { assertAllRight, innermost, packetsAt } from "./wires.js";

const HOOKS = ["tc", "xdp", "generic"] as const;
const SERVER_PORT = { nat: 8080, dr: 80, tun: 80 } as const;
/** So many frames that a lost one is noticed, and few enough for a capture. */
const BULK_BYTES = 300_000;

for (const method of METHODS) {
  describe(method, needs, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.open(method, { offloads: "off" });
      await bed.serve({ http: [SERVER_PORT[method]], udp: [53] });
      if (method === "tun") await bed.decapsulate();
      await bed.topology.warm();
    });
    after(() => bed?.close());

    for (const mode of HOOKS) {
      describe(`at ${mode}`, () => {
        before(async () => {
          const { topology } = bed;
          await bed.up({ mode, services: [
            service(topology, { port: 80, serverPort: SERVER_PORT[method] }), service(topology, { protocol: "udp", port: 53 }), service(topology, { port: 82, servers: [] }),
          ] });
        });

        test("requests, uploads and datagrams arrive, and every frame on every wire is right", async () => {
          const { client, topology: { vip: address } } = bed;
          const frames = await captured(bed, async () => {
            assert.equal((await client.get({ address, port: 80 })).status, 200);
            assert.equal((await client.post({ address, port: 80, bytes: BULK_BYTES })).intact, true);
            assert.equal((await client.download({ address, port: 80, bytes: BULK_BYTES })).intact, true);
            assert.equal((await client.udpEcho({ address, port: 53, text: "datagram" }))[0]?.text, "datagram");
          });
          assertAllRight(frames);
          assertAnswersGoTheirWay(frames, bed);
        });

        test("the kernel's stack sees the packets only where weir stands behind its entrance", async () => {
          const { client, topology } = bed;
          const session = await client.openSession({ address: topology.vip, port: 80 });
          const director = await topology.worker(topology.namespaces.director);
          const seenOfRequest = async (): Promise<number> => {
            await client.sessionGet(session);
            const inside = await director.capture();
            await client.sessionGet(session);
            return (await inside.stop()).frames.filter(({ direction, bytes }) => direction === "in" && dissect(bytes).ip !== undefined).length;
          };
          // Every two seconds or so XDP leaves a packet to TC, for the neighbour table's sake: the request before has seen to that, unless the machine is slow.
          const seen = [await seenOfRequest(), await seenOfRequest(), await seenOfRequest()];
          assert.equal(Math.min(...seen) > 0, mode === "tc", `packets seen: ${seen.join(", ")}`);
          await client.close(session);
        });

        test("a service without servers refuses connections by ICMP", async () => {
          const { client, topology: { vip: address } } = bed;
          const frames = await captured(bed, () => assert.rejects(client.get({ address, port: 82 }), /ECONNREFUSED/));
          assertAllRight(frames);
          const [refusal] = packetsAt(frames, "director", "out");
          assert.deepEqual([refusal?.source, refusal?.icmp?.type, refusal?.icmp?.code], [address, 3, 3]);
        });

        if (method === "tun") test("a client is told what fits into the tunnel, and sends no more than that", async () => {
          const { client, topology } = bed;
          await bed.ip("route flush cache", topology.namespaces.client);
          const frames = await captured(bed, async () => {
            assert.equal((await client.post({ address: topology.vip, port: 80, bytes: 100_000 })).intact, true);
          });
          assertAllRight(frames);
          const told = packetsAt(frames, "client", "in").filter(({ icmp }) => icmp?.type === 3 && icmp.code === 4);
          assert.deepEqual(new Set(told.map(({ source, icmp }) => `${source} ${icmp?.rest}`)), new Set([`${topology.vip} 1480`]));
          const tunnelled = packetsAt(frames, "director", "out").filter(({ inner }) => inner !== undefined);
          assert.equal(Math.max(...tunnelled.map(({ length }) => length)), 1500);
        });

        if (mode === "xdp") test("by interfaces that take no frames from XDP, TC sends", async () => {
          const { client, topology: { vip: address } } = bed;
          await peersNapi(bed, "off");
          await bed.up({ mode, services: [service(bed.topology, { port: 80, serverPort: SERVER_PORT[method] })] });
          assert.equal((await client.post({ address, port: 80, bytes: BULK_BYTES })).intact, true);
          await peersNapi(bed, "on");
        });

        test("the first packet to a neighbour that nobody has asked for is not lost", async () => {
          const { client, topology } = bed;
          await bed.ip("neigh flush all");
          const frames = await captured(bed, () => client.get({ address: topology.vip, port: 80 }));
          const opening = packetsAt(frames, "client", "out").filter(({ tcp }) => tcp?.flags === "S");
          assert.equal(opening.length, 1);
          assertAllRight(frames);
        });
      });
    }
  });
}

/** Without NAPI at its other end a veth loses what XDP redirects to it (Linux v6.12 drivers/net/veth.c, veth_xdp_xmit()). */
async function peersNapi({ topology }: Bed, state: "on" | "off"): Promise<void> {
  const director = topology.hosts.find(({ name }) => name === "director")!;
  for (const { name } of director.interfaces) {
    const { status, stderr } = await topology.run(topology.namespaces.switch, ["ethtool", "-K", portOf(director.name, name), "gro", state]);
    assert.equal(status, 0, stderr);
  }
}

async function captured(bed: Bed, traffic: () => Promise<unknown>): Promise<readonly WireFrame[]> {
  const tap = await bed.topology.tap();
  await traffic();
  const { frames, lost } = await tap.stop();
  assert.equal(lost, 0);
  return frames;
}

function assertAnswersGoTheirWay(frames: readonly WireFrame[], { topology: { method, vip, addresses } }: Bed): void {
  const isAnswer = (ip: { readonly source: string }): boolean => ip.source === vip;
  const atDirector = packetsAt(frames, "director").map(innermost);
  assert.ok(atDirector.some(({ destination }) => destination === vip), "requests pass the director");
  if (method === "nat") assert.ok(atDirector.some((ip) => isAnswer(ip) && ip.destination === addresses.client), "answers pass it");
  else assert.deepEqual(atDirector.filter((ip) => isAnswer(ip) && ip.icmp === undefined), [], "answers pass it by");
  const answers = packetsAt(frames, "client", "in");
  assert.ok(answers.length > BULK_BYTES / 1448);
  assert.deepEqual(new Set(answers.map(({ source }) => source)), new Set([vip]));
}
