// The slots of the hashing schedulers (dataplane/slot.ts), filled anew with every change of a service's members, beside
// those of before.

import { SCHEDULER_DH, SCHEDULER_MH, SCHEDULER_SH, destinations, slots } from "#dataplane/maps.js";
import { DH_SLOTS_BITS } from "#dataplane/schedulers/dh.js";
import { MH_SLOTS } from "#dataplane/schedulers/mh.js";
import { SH_SLOTS_BITS } from "#dataplane/schedulers/sh.js";
import type { Be32 } from "#layout/numbers.js";
import { host16, host32, u32 } from "#layout/numbers.js";
import type { Address } from "#wire/address.js";
import { foldAddress } from "#wire/address.js";
import { DirectorError } from "#model/director.js";
import type { AddressValues } from "./encode.js";
import type { Candidate } from "./maglev.js";
import { fillByMaglev } from "./maglev.js";
import type { Member } from "./members.js";
import { Rows } from "./rows.js";
import type { Room, Span } from "./spans.js";
import { Spans } from "./spans.js";
import type { Store } from "./store.js";

export interface SlotsPlace {
  readonly slotsAt: number;
  readonly slotsCount: number;
}

export interface SlotsWriter {
  /** The slots of a list of members; none for a scheduler that does not hash. */
  write(list: readonly Member[], scheduler: number): SlotsPlace;
}

export class Slots {
  readonly #slots: Uint32Array;
  readonly #destinations: Rows<typeof destinations.value>;
  readonly #spans: Spans;

  constructor(store: Store) {
    const bytes = store.table(slots);
    this.#slots = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / slots.value.size);
    this.#destinations = new Rows(store, destinations);
    this.#spans = new Spans(this.#slots.length);
  }

  /** Writes slots where none of `used` stand. */
  beside(used: () => Iterable<Span>): SlotsWriter {
    const room = this.#spans.beside(used);
    return { write: (list, scheduler) => this.#write(list, scheduler, room) };
  }

  #write(list: readonly Member[], scheduler: number, room: Room): SlotsPlace {
    const filled = this.#fill(list, scheduler);
    const slotsAt = room.take(filled.length);
    if (slotsAt === undefined) {
      throw new DirectorError("NO_MEMORY", `Cannot hash to ${list.length} destinations: all ${this.#slots.length} slots are taken, by other services of dh, sh and mh`);
    }
    this.#slots.set(filled, slotsAt);
    return { slotsAt, slotsCount: filled.length };
  }

  #fill(list: readonly Member[], scheduler: number): readonly number[] {
    switch (scheduler) {
      case SCHEDULER_DH: return fillInTurn(list, 1 << DH_SLOTS_BITS, () => 1);
      // ip_vs_sh.c, ip_vs_sh_reassign(): one of weight 0 has a slot too, in which connections are refused.
      case SCHEDULER_SH: return fillInTurn(list, 1 << SH_SLOTS_BITS, (member) => Math.max(1, member.weight));
      case SCHEDULER_MH: return fillByMaglev(list.map((member) => this.#candidate(member)), MH_SLOTS);
      default: return [];
    }
  }

  /** By its last weight that was not 0: `weight`, which its row may be about to be given. */
  #candidate({ destination, weight }: Member): Candidate {
    const { lastWeight, port, ...row } = this.#destinations.read(destination);
    return { destination, weight: weight || lastWeight, hashed: host32(hashedAddress(row)) + host16(port) };
  }
}

/** ip_vs_mh.c, ip_vs_mh_permutate() goes by the service's family: of a real server by IPv6 in a service by IPv4 it sees the first four bytes. */
function hashedAddress({ address, family, virtualFamily }: { readonly address: AddressValues; readonly family: number; readonly virtualFamily: number }): Be32 {
  return family === 6 && virtualFamily === 4 ? (u32(address.high) as Be32) : foldAddress(address as Address);
}

/** Members one after the other and over again, each as often in a row as it is to be. */
function fillInTurn(list: readonly Member[], count: number, timesOf: (member: Member) => number): readonly number[] {
  const filled: number[] = [];
  while (list.length > 0 && filled.length < count) {
    for (const member of list) for (let time = 0; time < timesOf(member) && filled.length < count; time++) filled.push(member.destination);
  }
  return filled;
}
