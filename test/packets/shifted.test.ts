// Where an answer of FTP's got longer, one director tells another by how much, and sequence numbers go on by it there. The messages are laid out as Linux v6.12
// net/netfilter/ipvs/ip_vs_sync.c, ip_vs_sync_conn(), lays them out (src/control/synchronisation/message.test.ts); its own ip_vs_ftp has none to tell.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Backup } from "#control/synchronisation/backup.js";
import { Master } from "#control/synchronisation/master.js";
import type { SyncConnection } from "#control/synchronisation/message.js";
import { SyncMessageWriter, readSyncMessage } from "#control/synchronisation/message.js";
import type { ProgramName } from "#control/programs.js";
import { decode } from "#layout/codec.js";
import { host32 } from "#layout/numbers.js";
import { SYNC_SEQUENCES, SYNC_SEQUENCES_OUT } from "#wire/ip-vs-sync.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Tcp } from "#wire/tcp.js";
import { configure, destination, service } from "./case.js";
import { EXECUTORS } from "./executors.js";
import type { TcpFields } from "./frame.js";
import { ACK, PSH, SYN, frame, packetOf, tcp } from "./frame.js";
import { VIP, at, client, eth0, eth1, r1 } from "./network.js";
import type { World } from "./world.js";
import { PLAIN_PROGRAMS, meet } from "./world.js";

const PROGRAMS: readonly ProgramName[] = [...PLAIN_PROGRAMS, "weir_tc_app", "weir_sync"];
const CLIENT_PORT = 40000;
const FROM_CLIENT = 1001;
const FROM_SERVER = 2001;
const ENTERING = "227 Entering Passive Mode (10,1,0,11,156,65).\r\n";
const GROWTH = "10,0,0,100".length - "10,1,0,11".length;
const BEHIND = FROM_SERVER + ENTERING.length;
const text = (line: string): Uint8Array => new TextEncoder().encode(line);

/** A packet's sequence number, as it goes on. */
function byServer(world: World, fields: TcpFields): number {
  const { bytes } = meet(world, "tc", frame({ from: r1.mac!, to: eth1.mac }, tcp(at(r1, 21), at(client, CLIENT_PORT), fields)), eth1);
  return host32(headerOf(bytes).sequence);
}

/** And its acknowledgement. */
function byClient(world: World, fields: TcpFields): number {
  const { bytes } = meet(world, "tc", frame({ from: client.mac!, to: eth0.mac }, tcp(at(client, CLIENT_PORT), at(VIP, 21), fields)), eth0);
  return host32(headerOf(bytes).acknowledgement);
}

const headerOf = (bytes: Uint8Array) => decode(Tcp, packetOf(bytes), Ipv4.size);

function open(world: World): void {
  byClient(world, { flags: SYN, sequence: FROM_CLIENT - 1 });
  byServer(world, { flags: SYN | ACK, sequence: FROM_SERVER - 1 });
  for (let i = 0; i < 2; i++) byClient(world, { flags: ACK, sequence: FROM_CLIENT, acknowledgment: FROM_SERVER });
}

function enterPassive(world: World): void {
  byClient(world, { flags: PSH | ACK, sequence: FROM_CLIENT, acknowledgment: FROM_SERVER, payload: text("PASV\r\n") });
  byServer(world, { flags: PSH | ACK, sequence: FROM_SERVER, payload: text(ENTERING) });
}

function look(world: World, master: Master): readonly SyncConnection[] {
  const found: SyncConnection[] = [];
  master.look(world.director.sysctls(), (connection) => void found.push(connection));
  return found.filter(({ state }) => state === ESTABLISHED);
}
const ESTABLISHED = 1;

function messageOf(version: 0 | 1, connections: readonly SyncConnection[]): Uint8Array {
  const writer = new SyncMessageWriter(version, 0, 1472);
  for (const connection of connections) writer.add(connection);
  return writer.finish()!;
}

for (const executor of EXECUTORS) {
  const newWorld = async (): Promise<World> => {
    const world = await executor.world(64, PROGRAMS);
    configure(world.director, [service("tcp", 21, [destination(r1, 21, "masq")])]);
    return world;
  };

  for (const version of [1, 0] as const) {
    test(`FTP's sequence numbers go on at the director that is told of them, by version ${version} on ${executor.name}`, { skip: executor.lacks }, async () => {
      const first = await newWorld();
      const master = new Master(first.store);
      open(first);
      const before = look(first, master);
      assert.deepEqual(before.map(({ flags, sequences }) => [flags & SYNC_SEQUENCES, sequences]), [[0, undefined]]);
      enterPassive(first);
      const after = look(first, master);
      const shift = { in: { initial: 0, delta: 0, previousDelta: 0 }, out: { initial: FROM_SERVER, delta: GROWTH, previousDelta: 0 } };
      assert.deepEqual(after.map(({ flags, sequences }) => [flags & SYNC_SEQUENCES, sequences]), [[SYNC_SEQUENCES_OUT, shift]], "it is told of at once");
      assert.deepEqual(look(first, master), []);
      const messages = [before, after].map((connections) => messageOf(version, connections));
      assert.deepEqual(readSyncMessage(messages[1]!, 0)!.connections[0]!.sequences, shift);

      const second = await newWorld();
      const backup = new Backup(second.store, 0, () => void second.run("sync", new Uint8Array(64), eth0));
      for (const message of messages) backup.take(message);
      assert.deepEqual(look(second, new Master(second.store)), [], "and is not told back");
      assert.equal(byServer(second, { flags: PSH | ACK, sequence: BEHIND, payload: text("150 Here it comes.\r\n") }), BEHIND + GROWTH);
      assert.equal(byServer(second, { flags: ACK, sequence: FROM_SERVER - 1 }), FROM_SERVER - 1, "what stands before it keeps its number");
      assert.equal(byClient(second, { flags: ACK, sequence: FROM_CLIENT, acknowledgment: BEHIND + GROWTH }), BEHIND);

      backup.take(messages[0]!);
      assert.equal(byServer(second, { flags: ACK, sequence: BEHIND }), BEHIND, "one that is told without is not shifted any more");
    });
  }

  test(`a connection that is told with its shift is entered with it, and falls count too on ${executor.name}`, { skip: executor.lacks }, async () => {
    const first = await newWorld();
    open(first);
    const [connection] = look(first, new Master(first.store));
    const told = (flags: number) => messageOf(1, [{
      ...connection!, flags: connection!.flags | flags,
      sequences: { in: { initial: 7, delta: 7, previousDelta: 7 }, out: { initial: FROM_SERVER, delta: 0xffff_fffe, previousDelta: 3 } },
    }]);
    for (const { flags, growth, before } of [{ flags: SYNC_SEQUENCES_OUT, growth: -2, before: 3 }, { flags: SYNC_SEQUENCES ^ SYNC_SEQUENCES_OUT, growth: 0, before: 0 }]) {
      const second = await newWorld();
      new Backup(second.store, 0, () => void second.run("sync", new Uint8Array(64), eth0)).take(told(flags));
      assert.equal(byServer(second, { flags: ACK, sequence: BEHIND }), BEHIND + growth);
      assert.equal(byServer(second, { flags: ACK, sequence: FROM_SERVER }), FROM_SERVER + before);
      assert.equal(byClient(second, { flags: ACK, sequence: FROM_CLIENT, acknowledgment: BEHIND + growth }), BEHIND);
    }
  });
}
