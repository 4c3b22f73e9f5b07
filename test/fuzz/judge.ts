// What every input must come to, whatever it was: a message that an operator can use, and never one that only we could read.

import assert from "node:assert/strict";

/** How JavaScript's own accidents look in a text. */
const ACCIDENTS = /^ +at .*:\d+:\d+\)?$|\b(?:TypeError|RangeError|ReferenceError|SyntaxError)\b|\[object |\bundefined\b|\bNaN\b|\bnode:internal\b|call stack|parseAllDocuments/m;

/** `quoted`: what was given; words of its own are no accidents. */
export function assertClear(message: string, quoted: string): void {
  assert.ok(message.trim().length > 3, `an error without words: ${JSON.stringify(message)}\n${quoted}`);
  const found = ACCIDENTS.exec(message)?.[0];
  assert.ok(found === undefined || quoted.includes(found.trim()), `${message}\n${quoted}`);
}

/** How often each outcome came: a fuzz that only ever meets one wall finds nothing. */
export class Outcomes {
  readonly #counts = new Map<string, number>();

  add(outcome: string): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
  }

  /** Each came at least so many times. */
  assertCommon(outcomes: readonly string[], times: number): void {
    for (const outcome of outcomes) assert.ok((this.#counts.get(outcome) ?? 0) >= times, `"${outcome}" came ${this.#counts.get(outcome) ?? 0} times: ${JSON.stringify([...this.#counts])}`);
  }
}
