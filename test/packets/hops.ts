// The data plane keeps what the kernel told it of the way to a neighbour for a quarter of a second (dataplane/hop.ts).
// In the kernel that time passes when it likes; here it never does, so that a packet takes the same way in every run.

import type { Store } from "#control/store.js";
import { Connection4, Connection6, DESTINATION_IN_USE, Destination, Hop, TEMPLATE, connections4, connections6, destinations } from "#dataplane/maps.js";
import { fieldOf } from "#layout/struct.js";

/** In ticks: four and a half minutes. */
const HELD_TICKS = 4096;

const DESTINATION_FLAGS_AT = fieldOf(Destination, "flags").offset;
const DESTINATION_HOP_AT = fieldOf(Destination, "hop").offset;
// The same of both families.
const CONNECTION_KIND_AT = fieldOf(Connection4, "kind").offset;
const CONNECTION_HOP_AT = fieldOf(Connection4, "clientHop").offset;
const VALID_UNTIL_AT = fieldOf(Hop, "validUntil").offset;
const INTERFACE_AT = fieldOf(Hop, "ifindex").offset;

/** Every hop that was ever asked for holds from now on; a hop that was not has no interface. */
export function holdHops(store: Store): void {
  const validUntil = store.now() + HELD_TICKS;
  const servers = store.table(destinations);
  hold(servers, destinationsTaken(servers), Destination.size, DESTINATION_HOP_AT, validUntil, () => true);
  for (const [map, { size }] of [[connections4, Connection4], [connections6, Connection6]] as const) {
    const clients = store.table(map);
    // A template has something else there.
    hold(clients, clients.length / size, size, CONNECTION_HOP_AT, validUntil, (i) => clients[i * size + CONNECTION_KIND_AT] !== TEMPLATE);
  }
}

function hold(bytes: Uint8Array, count: number, stride: number, hopAt: number, validUntil: number, hasHop: (i: number) => boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0, at = hopAt; i < count; i++, at += stride) {
    if (hasHop(i) && view.getUint32(at + INTERFACE_AT, true) !== 0) view.setUint32(at + VALID_UNTIL_AT, validUntil, true);
  }
}

/** Slots are taken from the first on and stay taken. */
function destinationsTaken(bytes: Uint8Array): number {
  let count = 0;
  while (((bytes[count * Destination.size + DESTINATION_FLAGS_AT] ?? 0) & DESTINATION_IN_USE) !== 0) count++;
  return count;
}
