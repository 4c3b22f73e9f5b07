// Which way the fragments of a packet go (fragment-notes.ts).

import { Be16, u16, u32, u8 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { lruHashMap } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { IpProtocol } from "#wire/ipv4.js";

/** What makes fragments ones of one packet: RFC 791 section 3.2; RFC 8200 section 4.5, where the protocol does not count, and is 0 here. */
export const FragmentKey = struct("FragmentKey", {
  source: Address,
  destination: Address,
  /** As it stands on the wire. */
  identification: u32,
  protocol: IpProtocol,
  /** config.ts, IPV4 or IPV6. */
  family: u8,
  padding: u16,
}, { size: 40 });

/** What only the first fragment tells: as in Flow. */
export const FragmentNote = struct("FragmentNote", {
  sourcePort: Be16,
  destinationPort: Be16,
  /** In ticks: the others come before that. */
  until: u32,
  /** In `destinations`, of a packet that was scheduled for itself alone; NO_DESTINATION of others, which have a connection. */
  destination: u32,
  protocol: IpProtocol,
  padding: u8,
  padding2: u16,
}, { size: 16 });
/** About 2 MiB. The others come close behind the first, so that the least recently used are those that nobody asks for any more. */
export const FRAGMENT_NOTES_MAX = 2 ** 14;
export const fragmentNotes = lruHashMap("fragmentNotes", FragmentKey, FragmentNote, FRAGMENT_NOTES_MAX);
