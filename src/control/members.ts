// A service's list of destinations as the schedulers walk it. A change makes a new list, with a scheduler's state to go
// with it, beside the old one; then the service is replaced in one step. Packets see the one or the other.

import type { Service } from "#dataplane/maps.js";
import { members } from "#dataplane/maps.js";
import { DirectorError } from "#model/director.js";
import { Rows } from "./rows.js";
import type { StatesWriter } from "./scheduler-states.js";
import { SchedulerStates } from "./scheduler-states.js";
import type { Room } from "./spans.js";
import { Spans } from "./spans.js";
import type { Store } from "./store.js";

export interface Member {
  /** In the table of destinations. */
  readonly destination: number;
  readonly weight: number;
}

export type ListPlace = Pick<Service, "membersAt" | "membersCount" | "stateAt">;

export class MemberLists {
  readonly #members: Rows<typeof members.value>;
  readonly #spans: Spans;
  readonly #states: SchedulerStates;

  constructor(store: Store) {
    this.#members = new Rows(store, members);
    this.#spans = new Spans(this.#members.length);
    this.#states = new SchedulerStates(store);
  }

  read(place: ListPlace): Member[] {
    return Array.from({ length: place.membersCount }, (_, i) => this.#members.read(place.membersAt + i));
  }

  /** Writes lists where none of `used` stands, one beside the other. */
  beside(used: readonly ListPlace[]): ListWriter {
    const room = this.#spans.beside(() => used.map((place) => ({ at: place.membersAt, count: place.membersCount })));
    return new ListWriter(this, this.#members, room, this.#states.beside(() => used.map((place) => place.stateAt)));
  }
}

export class ListWriter {
  constructor(readonly lists: MemberLists, readonly rows: Rows<typeof members.value>, readonly room: Room, readonly states: StatesWriter) {}

  /** The list's scheduler goes on from where it stood in `before`. */
  write(list: readonly Member[], scheduler: number, before: ListPlace | undefined): ListPlace {
    const membersAt = this.room.take(list.length);
    if (membersAt === undefined) {
      throw new DirectorError("NO_MEMORY", `Cannot list ${list.length} destinations: the table of members holds ${this.rows.length} in all`);
    }
    const previous = before && { stateAt: before.stateAt, list: this.lists.read(before) };
    const stateAt = this.states.write(list, scheduler, previous);
    list.forEach((member, i) => this.rows.write(membersAt + i, member));
    return { membersAt, membersCount: list.length, stateAt };
  }
}
