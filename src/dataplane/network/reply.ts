// What both families' errors are made with.

import type { u32 } from "#layout/numbers.js";
import { Be16, u32 as U32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { Ethernet } from "#wire/ethernet.js";

export const Word = struct("Word", { first: Be16, second: Be16 }, { size: 4 });
export const Byte = struct("Byte", { value: u8 }, { size: 1 });
export const MacPair = struct("MacPair", { ethernet: Ethernet });

/** RFC 8200 section 5: no error that the director sends is longer than the least MTU of IPv6. */
export const ERROR_PACKET_MAX = 1280;

/** Back to where it came from: see sendBack(). */
export function turnRound(ethernet: View<typeof Ethernet>): void {
  const before = make(MacPair);
  before.ethernet.source = ethernet.source;
  before.ethernet.destination = ethernet.destination;
  ethernet.source = before.ethernet.destination;
  ethernet.destination = before.ethernet.source;
}

/** RFC 1071: the sum of at most ERROR_PACKET_MAX bytes of the packet, not folded. */
export function sumOf(packet: Packet, at: u32, bytes: u32): u32 {
  let sum = 0;
  let done = 0;
  for (let i = 0; i < ERROR_PACKET_MAX / 4; i++) {
    if (done + 4 > bytes) break;
    const word = packet.view(Word, at + i * 4);
    if (word === null) break;
    sum += U32(word.first) + U32(word.second);
    done += 4;
  }
  return sum + sumOfRest(packet, at, bytes);
}

/** The last one to three bytes, as if zeros followed. */
function sumOfRest(packet: Packet, at: u32, bytes: u32): u32 {
  let sum = 0;
  const from = bytes & 0x7fc;
  for (let i = 0; i < 3; i++) {
    if (from + i < bytes) {
      const byte = packet.view(Byte, at + from + i);
      if (byte !== null) sum += (i & 1) === 0 ? byte.value : byte.value << 8;
    }
  }
  return sum;
}
