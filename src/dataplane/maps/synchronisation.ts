// What the sync daemons need of connections, and give them (synchronised.ts, control/synchronisation).

import { Be16, u32, u64, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { IpProtocol } from "#wire/ipv4.js";

/** Another director told of it first: IP_VS_CONN_F_SYNC. */
export const CONNECTION_SYNC = 0x0020;
/** In what directors tell each other: its client's port is not known yet. IP_VS_CONN_F_NO_CPORT. */
export const CONNECTION_NO_CLIENT_PORT = 0x0800;
/** weir's own: another director told of it last in the state that stands in the four bits from CONNECTION_TOLD_STATE_SHIFT on. */
export const CONNECTION_TOLD = 0x0200_0000;
export const CONNECTION_TOLD_STATE_SHIFT = 20;
export const CONNECTION_TOLD_STATE_MASK = 0x00f0_0000;
/** And how often it was told, modulo eight, in the three bits from here on: the master (control/synchronisation/master.ts) sees by them what packets did not do. */
export const CONNECTION_TOLD_ROUND_SHIFT = 26;
export const CONNECTION_TOLD_ROUND_MASK = 0x1c00_0000;

/** A connection, or a template, that another director tells of: what the backup daemon (control/synchronisation) leaves for synchronised.ts. */
export const Told = struct("Told", {
  client: Address,
  virtual: Address,
  server: Address,
  clientPort: Be16,
  virtualPort: Be16,
  serverPort: Be16,
  protocol: IpProtocol,
  /** config.ts, IPV4 or IPV6; 0: the list ends before this. */
  family: u8,
  /** As Connection.flags; of the method nothing, which is the destination's. */
  flags: u32,
  state: u32,
  /** In ticks. */
  timeout: u32,
  /** In `destinations`, or NO_DESTINATION. */
  destination: u32,
  packetsIn: u32,
  /** What became of it: TOLD_…; and in `connections`, where it stands. */
  outcome: u32,
  entry: u32,
  /** Of an application's, as in Dialogue; 0 and 0: nothing is shifted. */
  correctedAt: u32,
  /** Of a persistence engine's template, what it is known by besides (engines/). */
  call: u64,
  growthBefore: u32,
  growthAfter: u32,
  spare: array(u64, 3),
}, { size: 128 });
export type Told = View<typeof Told>;
/** As many as one message can tell of, and an end. */
export const TOLD_MAX = 255;
export const tolds = table("tolds", Told, 256);

/** Told.outcome: it is new; it stood already; a newer one stands in its place; it has no destination here; there is no room. */
export const TOLD_ENTERED = 1;
export const TOLD_RENEWED = 2;
export const TOLD_OUTDATED = 3;
export const TOLD_UNBOUND = 4;
export const TOLD_TABLE_FULL = 5;
