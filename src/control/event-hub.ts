// Where events of the director meet those who listen: what is published goes to every listener, and the last ones are kept, so that one who
// lost the connection for a moment misses nothing.

import { randomBytes } from "node:crypto";
import type { DirectorEvent, NumberedEvent } from "#model/events.js";

/** A change a second for a quarter of an hour. */
const EVENTS_KEPT_MAX = 1024;

export interface EventSource {
  /** Tells one hub's numbers from another's, of before a restart. */
  readonly run: string;
  /** Gives what ends it. */
  subscribe(listener: (event: NumberedEvent) => void): () => void;
  /** Those that came after that one; `missed`: whether others came in between that are no longer kept. */
  since(number: number): { readonly events: readonly NumberedEvent[]; readonly missed: boolean };
  /** Of the newest event; 0: there was none. */
  readonly last: number;
}

export class EventHub implements EventSource {
  readonly run = randomBytes(4).toString("hex");
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  readonly #kept: NumberedEvent[] = [];
  #last = 0;

  constructor(readonly keptMax = EVENTS_KEPT_MAX) {}

  get last(): number {
    return this.#last;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  publish(event: DirectorEvent): void {
    const numbered: NumberedEvent = { number: ++this.#last, at: new Date(), event };
    this.#kept.push(numbered);
    if (this.#kept.length > this.keptMax) this.#kept.shift();
    for (const listener of [...this.#listeners]) listener(numbered);
  }

  subscribe(listener: (event: NumberedEvent) => void): () => void {
    // One of its own: the same function may listen twice.
    const own = (event: NumberedEvent): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  since(number: number): { readonly events: readonly NumberedEvent[]; readonly missed: boolean } {
    const oldest = this.#last - this.#kept.length + 1;
    return { events: this.#kept.filter((event) => event.number > number), missed: number + 1 < oldest };
  }
}
