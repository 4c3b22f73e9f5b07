// A service's list of destinations as the schedulers walk it. A change makes a new list, with a scheduler's state to go
// with it, beside the old one; then the service is replaced in one step. Packets see the one or the other.

import type { Service } from "#dataplane/maps.js";
import { MEMBERS_MAX, SCHEDULER_STATES_MAX, SCHEDULER_WRR, members, schedulerStates } from "#dataplane/maps.js";
import { DirectorError } from "#model/director.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

export interface Member {
  /** In the table of destinations. */
  readonly destination: number;
  readonly weight: number;
}

type Span = Pick<Service, "membersAt" | "membersCount" | "stateAt">;

export class MemberLists {
  readonly #members: Rows<typeof members.value>;
  readonly #states: Rows<typeof schedulerStates.value>;
  // Lists just given up may still be read by a packet on its way: new ones begin elsewhere and come round late.
  #membersCursor = Math.floor(Math.random() * MEMBERS_MAX);
  #statesCursor = Math.floor(Math.random() * SCHEDULER_STATES_MAX);

  constructor(store: Store) {
    this.#members = new Rows(store, members);
    this.#states = new Rows(store, schedulerStates);
  }

  read(span: Span): Member[] {
    return Array.from({ length: span.membersCount }, (_, i) => this.#members.read(span.membersAt + i));
  }

  /** Writes a list where none of `used` lies, its scheduler going on from where `before` stood. */
  write(list: readonly Member[], scheduler: number, before: Span | undefined, used: readonly Span[]): Span {
    const membersAt = this.#findRoom(list.length, used);
    const stateAt = this.#findState(used);
    list.forEach((member, i) => this.#members.write(membersAt + i, member));
    this.#states.write(stateAt, this.#stateFor(list, scheduler, before));
    return { membersAt, membersCount: list.length, stateAt };
  }

  #stateFor(list: readonly Member[], scheduler: number, before: Span | undefined) {
    const old = before === undefined ? { position: 0n } : this.#states.read(before.stateAt);
    const oldList = before === undefined ? [] : this.read(before);
    return scheduler === SCHEDULER_WRR ? weightedState(list, old.position) : { position: roundRobinPosition(list, oldList, Number(old.position & 0xffffffffn)) };
  }

  #findRoom(count: number, used: readonly Span[]): number {
    const taken = used.filter((span) => span.membersCount > 0).sort((a, b) => a.membersAt - b.membersAt);
    for (const from of [this.#membersCursor, 0]) {
      let at = from;
      for (const span of taken) {
        if (span.membersAt + span.membersCount <= at) continue;
        if (span.membersAt - at >= count) break;
        at = span.membersAt + span.membersCount;
      }
      if (at + count <= MEMBERS_MAX) {
        this.#membersCursor = (at + count) % MEMBERS_MAX;
        return at;
      }
    }
    throw new DirectorError("NO_MEMORY", `Cannot list ${count} destinations: the table of members holds ${MEMBERS_MAX} in all`);
  }

  #findState(used: readonly Span[]): number {
    const taken = new Set(used.map((span) => span.stateAt));
    for (let tried = 0; tried < SCHEDULER_STATES_MAX; tried++) {
      const at = (this.#statesCursor + tried) % SCHEDULER_STATES_MAX;
      if (taken.has(at)) continue;
      this.#statesCursor = at + 1;
      return at;
    }
    throw new DirectorError("NO_MEMORY", `Cannot add a service: all ${SCHEDULER_STATES_MAX} scheduler states are taken`);
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
function weightedState(list: readonly Member[], position: bigint) {
  const divisor = list.reduce((gcd, member) => greatestCommonDivisor(gcd, member.weight), 0) || 1;
  const largest = list.reduce((most, member) => Math.max(most, member.weight), 0);
  const maximumWeight = largest === 0 ? 0 : largest - (divisor - 1);
  let current = Number(position >> 32n);
  if (current > maximumWeight || current === 0) current = maximumWeight;
  else if (divisor > 1) current = Math.floor(current / divisor) * divisor + 1;
  return { position: BigInt(current) << 32n, maximumWeight, divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
