// The data plane keeps what the kernel told it of the way to a neighbour for a quarter of a second (dataplane/hop.ts).
// In the kernel that time passes when it likes; here it never does, so that a packet takes the same way in every run.

import type { Store } from "#control/store.js";
import { Connection, DESTINATION_IN_USE, Destination, Hop, connections, destinations } from "#dataplane/maps.js";
import { fieldOf } from "#layout/struct.js";

/** In ticks: four and a half minutes. */
const HELD_TICKS = 4096;

const DESTINATION_FLAGS_AT = fieldOf(Destination, "flags").offset;
const DESTINATION_HOP_AT = fieldOf(Destination, "hop").offset;
const CONNECTION_HOP_AT = fieldOf(Connection, "clientHop").offset;
const INTERFACE_AT = fieldOf(Hop, "ifindex").offset;
const VALID_UNTIL_AT = fieldOf(Hop, "validUntil").offset;

/** Every hop that was ever asked for holds from now on; a hop that was not has no interface. */
export function holdHops(store: Store): void {
  const validUntil = store.now() + HELD_TICKS;
  for (const hop of hops(store)) if (hop.getUint32(INTERFACE_AT, true) !== 0) hop.setUint32(VALID_UNTIL_AT, validUntil, true);
}

function* hops(store: Store): Generator<DataView> {
  const servers = store.table(destinations);
  // Slots are taken from the first on and stay taken.
  for (let at = 0; at < servers.length && ((servers[at + DESTINATION_FLAGS_AT] ?? 0) & DESTINATION_IN_USE) !== 0; at += Destination.size) {
    yield viewOf(servers, at + DESTINATION_HOP_AT);
  }
  const clients = store.table(connections);
  for (let at = 0; at < clients.length; at += Connection.size) yield viewOf(clients, at + CONNECTION_HOP_AT);
}

const viewOf = (bytes: Uint8Array, at: number): DataView => new DataView(bytes.buffer, bytes.byteOffset + at, Hop.size);
