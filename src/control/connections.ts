// The connection tables as `ipvsadm -Lc` lists them: read in place, a bucket at a time, while packets go on.

import { TAG_LIVE } from "#dataplane/connection.js";
import { CONNECTION_CALL, CONNECTION_METHOD_MASK, CONNECTION_SYNC, Call, Place, SLOTS_PER_BUCKET, TEMPLATE, TEMPLATE_ASSURED, buckets4, buckets6, calls, connections4, connections6, destinations } from "#dataplane/maps.js";
import type { Connection, Family } from "#model/director.js";
import { decode, encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import type { Table } from "#prelude/maps.js";
import { IPPROTO_SCTP, IPPROTO_UDP } from "#wire/ipv4.js";
import { SCTP_STATE_NAMES, TCP_STATE_NAMES, connectionProtocolName, fromAddress, fromBe16, fromBe32, methodName, ticksToSeconds } from "./encode.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

export function* connectionsOf(store: Store): Generator<Connection> {
  const destinationRows = new Rows(store, destinations);
  const serverOf = (index: number) => {
    const { address, family } = destinationRows.read(index);
    return fromAddress(address, family as Family);
  };
  const rows4 = new Rows(store, connections4);
  for (const [index, ticksLeft] of liveSlots(store, buckets4)) {
    const row = rows4.read(index);
    yield { ...describe(row, ticksLeft, fromBe32(row.clientAddress), fromBe32(row.virtualAddress), serverOf(row.destination)), ...callOf(store, row, index, 4) };
  }
  const rows6 = new Rows(store, connections6);
  for (const [index, ticksLeft] of liveSlots(store, buckets6)) {
    const row = rows6.read(index);
    yield { ...describe(row, ticksLeft, fromAddress(row.client, 6), fromAddress(row.virtual, 6), serverOf(row.destination)), ...callOf(store, row, index, 6) };
  }
}

/** The places of live connections, and the ticks that they have left. */
function* liveSlots(store: Store, buckets: typeof buckets4): Generator<readonly [index: number, ticksLeft: number]> {
  const rows = new Rows(store, buckets);
  const now = store.now();
  const tags = tagsOf(store, buckets);
  for (let bucket = 0; bucket < rows.length; bucket++) {
    for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
      if ((tags[bucket * TAGS_STRIDE + slot] ?? 0) < TAG_LIVE) continue;
      const ticksLeft = (rows.read(bucket).expires[slot]! - now) | 0;
      if (ticksLeft > 0) yield [bucket * SLOTS_PER_BUCKET + slot, ticksLeft];
    }
  }
}

const TAGS_STRIDE = buckets4.value.size / 2;

function tagsOf(store: Store, buckets: Table<typeof buckets4.value>): Uint16Array {
  const bytes = store.table(buckets);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

/** What a persistence engine's template is known by. */
function callOf(store: Store, { flags }: { readonly flags: number }, index: number, family: Family): Pick<Connection, "persistenceData"> {
  const bytes = (flags & CONNECTION_CALL) === 0 ? undefined : store.hash(calls).lookup(encode(Place, { connection: index, family }));
  if (bytes === undefined) return {};
  const { text, length } = decode(Call, bytes);
  return { persistenceData: { engine: "sip", text: Buffer.from(text.slice(0, length)).toString("latin1") } };
}

type Row = Pick<Values<typeof connections4.value>, "kind" | "protocol" | "state" | "flags" | "clientPort" | "virtualPort" | "destinationPort">;

function describe(row: Row, ticksLeft: number, client: string, virtual: string, server: string): Connection {
  return {
    protocol: connectionProtocolName(row.protocol),
    state: stateName(row),
    expiresSeconds: Math.floor(ticksToSeconds(ticksLeft)),
    forward: methodName(row.flags & CONNECTION_METHOD_MASK),
    // A template's has another meaning (dataplane/connection.ts, templateEnd()).
    client: { address: client, port: row.kind === TEMPLATE ? 0 : fromBe16(row.clientPort) },
    virtual: { address: virtual, port: fromBe16(row.virtualPort) },
    destination: { address: server, port: fromBe16(row.destinationPort) },
    ...((row.flags & CONNECTION_SYNC) === 0 ? {} : { isTold: true }),
  };
}

/** ip_vs_proto.c, ip_vs_state_name(); ip_vs_ctpl_state_name(). */
function stateName({ kind, protocol, state }: Row): string {
  if (kind === TEMPLATE) return state === TEMPLATE_ASSURED ? "ASSURED" : "NONE";
  if (protocol === IPPROTO_UDP) return "UDP";
  return (protocol === IPPROTO_SCTP ? SCTP_STATE_NAMES : TCP_STATE_NAMES)[state] ?? `#${state}`;
}

/** Slots that are taken: live connections, and those that the expiry has yet to clear away. */
export function countConnections(store: Store, buckets: typeof buckets4): number {
  const tags = tagsOf(store, buckets);
  let count = 0;
  for (let at = 0; at < tags.length; at += TAGS_STRIDE) {
    for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) if (tags[at + slot] !== 0) count++;
  }
  return count;
}
