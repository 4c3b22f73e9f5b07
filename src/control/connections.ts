// The connection table as `ipvsadm -Lc` lists it: read in place, a bucket at a time, while packets go on.

import { TAG_LIVE } from "#dataplane/connection.js";
import { SLOTS_PER_BUCKET, TEMPLATE, TEMPLATE_ASSURED, buckets, connections } from "#dataplane/maps.js";
import type { Connection } from "#model/director.js";
import { IPPROTO_UDP } from "#wire/ipv4.js";
import { TCP_STATE_NAMES, fromBe16, fromBe32, protocolName, ticksToSeconds } from "./encode.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

export function* connectionsOf(store: Store): Generator<Connection> {
  const bucketRows = new Rows(store, buckets);
  const rows = new Rows(store, connections);
  const now = store.now();
  const tagsOf = new Uint16Array(store.table(buckets).buffer, store.table(buckets).byteOffset);
  const tagsStride = buckets.value.size / 2;
  for (let bucket = 0; bucket < bucketRows.length; bucket++) {
    for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
      if ((tagsOf[bucket * tagsStride + slot] ?? 0) < TAG_LIVE) continue;
      const ticksLeft = (bucketRows.read(bucket).expires[slot]! - now) | 0;
      if (ticksLeft > 0) yield describe(rows.read(bucket * SLOTS_PER_BUCKET + slot), Math.floor(ticksToSeconds(ticksLeft)));
    }
  }
}

type Row = ReturnType<Rows<typeof connections.value>["read"]>;

function describe(row: Row, expiresSeconds: number): Connection {
  return {
    protocol: protocolName(row.protocol),
    state: stateName(row),
    expiresSeconds,
    client: { address: fromBe32(row.clientAddress), port: fromBe16(row.clientPort) },
    virtual: { address: fromBe32(row.virtualAddress), port: fromBe16(row.virtualPort) },
    destination: { address: fromBe32(row.destinationAddress), port: fromBe16(row.destinationPort) },
  };
}

/** ip_vs_proto.c, ip_vs_state_name(); ip_vs_ctpl_state_name(). */
function stateName({ kind, protocol, state }: Row): string {
  if (kind === TEMPLATE) return state === TEMPLATE_ASSURED ? "ASSURED" : "NONE";
  return protocol === IPPROTO_UDP ? "UDP" : TCP_STATE_NAMES[state] ?? `#${state}`;
}

/** Slots that are taken: live connections, and those that the expiry has yet to clear away. */
export function countConnections(store: Store): number {
  const bytes = store.table(buckets);
  const tags = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const stride = buckets.value.size / 2;
  let count = 0;
  for (let at = 0; at < tags.length; at += stride) {
    for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) if (tags[at + slot] !== 0) count++;
  }
  return count;
}
