// What a scheduler goes by beside the list of members: its place in the list, or what it had better not compute anew
// with every connection. Each is what the kernel's scheduler does when a service is bound to it (init_service) and when
// the service's destinations change (add_dest, del_dest, upd_dest).

import type { SchedulerState } from "#dataplane/maps.js";
import { SCHEDULER_RR, SCHEDULER_WRR, schedulerStates } from "#dataplane/maps.js";
import { DirectorError } from "#model/director.js";
import { greatestCommonDivisor } from "./divisor.js";
import type { Member } from "./members.js";
import { Rows } from "./rows.js";
import type { SlotsWriter } from "./slots.js";
import { Slots } from "./slots.js";
import type { Room } from "./spans.js";
import { Spans } from "./spans.js";
import type { Store } from "./store.js";

/** The state, and the list that it was made with. */
export interface PreviousState {
  readonly stateAt: number;
  readonly list: readonly Member[];
}

type StateValues = { [field in keyof SchedulerState & string]: SchedulerState[field] };

export class SchedulerStates {
  readonly #rows: Rows<typeof schedulerStates.value>;
  readonly #places: Spans;
  readonly #slots: Slots;

  constructor(store: Store) {
    this.#rows = new Rows(store, schedulerStates);
    this.#places = new Spans(this.#rows.length);
    this.#slots = new Slots(store);
  }

  /** Writes states at places that are not among `used`. */
  beside(used: () => readonly number[]): StatesWriter {
    const slotsUsed = () => used().map((stateAt) => ({ at: this.#rows.number(stateAt, "slotsAt"), count: this.#rows.number(stateAt, "slotsCount") }));
    return new StatesWriter(this.#rows, this.#places.beside(() => used().map((at) => ({ at, count: 1 }))), this.#slots.beside(slotsUsed));
  }
}

export class StatesWriter {
  constructor(readonly rows: Rows<typeof schedulerStates.value>, readonly room: Room, readonly slots: SlotsWriter) {}

  /** Writes the state for a list. Of a service that is new to the scheduler there is no `previous` one. */
  write(list: readonly Member[], scheduler: number, previous: PreviousState | undefined): number {
    const stateAt = this.room.take(1);
    if (stateAt === undefined) throw new DirectorError("NO_MEMORY", `Cannot add a service: all ${this.rows.length} scheduler states are taken`);
    this.rows.write(stateAt, { position: 0n, maximumWeight: 0, divisor: 0, ...this.#stateFor(list, scheduler, previous), ...this.slots.write(list, scheduler) });
    return stateAt;
  }

  #stateFor(list: readonly Member[], scheduler: number, previous: PreviousState | undefined): Partial<StateValues> {
    const position = previous === undefined ? 0n : this.rows.bigint(previous.stateAt, "position");
    if (scheduler === SCHEDULER_RR) return { position: roundRobinPosition(list, previous?.list ?? [], Number(position & 0xffffffffn)) };
    if (scheduler === SCHEDULER_WRR) return weightedState(list, position);
    return {};
  }
}

/**
 * rr goes on after the destination that it chose last; when that one is gone, where it stood (ip_vs_rr.c, ip_vs_rr_del_dest()).
 * `position` is that destination's place plus one, 0 before the first choice.
 */
function roundRobinPosition(list: readonly Member[], oldList: readonly Member[], position: number): bigint {
  for (let place = position; place > 0; place--) {
    const at = list.findIndex((member) => member.destination === oldList[place - 1]?.destination);
    if (at >= 0) return BigInt(at + 1);
  }
  return 0n;
}

/** wrr begins a new round from the head of the list: ip_vs_wrr.c, ip_vs_wrr_dest_changed(). */
function weightedState(list: readonly Member[], position: bigint): Partial<StateValues> {
  const divisor = greatestCommonDivisor(list.map((member) => member.weight)) || 1;
  const largest = list.reduce((most, member) => Math.max(most, member.weight), 0);
  const maximumWeight = largest === 0 ? 0 : largest - (divisor - 1);
  let current = Number(position >> 32n);
  if (current > maximumWeight || current === 0) current = maximumWeight;
  else if (divisor > 1) current = Math.floor(current / divisor) * divisor + 1;
  return { position: BigInt(current) << 32n, maximumWeight, divisor };
}
