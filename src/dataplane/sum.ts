// RFC 1071: the sum of a whole packet, where nothing less will do.

import type { u32 } from "#layout/numbers.js";
import { Be16, u32 as U32, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { bpf_csum_diff, bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { sizeOf } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { fold } from "#wire/checksum.js";
import { handovers } from "./maps.js";

/** Linux v6.1 net/core/filter.c, bpf_csum_diff() takes no more at once. */
const Block = struct("Block", { bytes: array(u8, 512) }, { size: 512 });
const Piece = struct("Piece", { bytes: array(u8, 32) }, { size: 32 });
const HalfWord = struct("HalfWord", { value: Be16 }, { size: 2 });
const Byte = struct("Byte", { value: u8 }, { size: 1 });

/** The verifier follows no offset past 65,535 into a packet, headers before `at` included. No frame but a super-packet is as long. */
export const SUM_BYTES_MAX = 64_000;

/**
 * Of `bytes` bytes from `at` on, SUM_BYTES_MAX at most, all of which lie in the packet's linear part; folded. Told by way of
 * this processor's Handover: the verifier follows the rest of the program once, not once for every number of rounds.
 */
export function sumOf(packet: Packet, at: u32, bytes: u32): u32 {
  const handover = handovers.at(bpf_get_smp_processor_id());
  handover.sum = 0;
  if (bytes > SUM_BYTES_MAX) return 0;
  addBlocks(packet, at, bytes >>> 9);
  addPieces(packet, at + (bytes & 0xfe00), (bytes >>> 5) & 0xf);
  addRest(packet, at + (bytes & 0xffe0), bytes & 0x1f);
  return fold(handover.sum);
}

function addBlocks(packet: Packet, at: u32, blocks: u32): void {
  "use subprogram";
  const handover = handovers.at(bpf_get_smp_processor_id());
  for (let i = 0; i < SUM_BYTES_MAX / Block.size; i++) {
    if (i >= blocks) break;
    const block = packet.view(Block, at + i * Block.size);
    if (block !== null) handover.sum = U32(bpf_csum_diff(null, 0, block, sizeOf(Block), handover.sum));
  }
}

function addPieces(packet: Packet, at: u32, pieces: u32): void {
  "use subprogram";
  const handover = handovers.at(bpf_get_smp_processor_id());
  for (let i = 0; i < Block.size / Piece.size - 1; i++) {
    if (i >= pieces) break;
    const piece = packet.view(Piece, at + i * Piece.size);
    if (piece !== null) handover.sum = U32(bpf_csum_diff(null, 0, piece, sizeOf(Piece), handover.sum));
  }
}

/** The last bytes that fill no piece. */
function addRest(packet: Packet, at: u32, bytes: u32): void {
  "use subprogram";
  const handover = handovers.at(bpf_get_smp_processor_id());
  let sum = fold(handover.sum);
  const halves = bytes >>> 1;
  for (let i = 0; i < Piece.size / 2 - 1; i++) {
    if (i >= halves) break;
    const half = packet.view(HalfWord, at + 2 * i);
    if (half !== null) sum += U32(half.value);
  }
  if ((bytes & 1) !== 0) {
    const last = packet.view(Byte, at + (bytes & 0x1e));
    if (last !== null) sum += last.value;
  }
  handover.sum = sum;
}
