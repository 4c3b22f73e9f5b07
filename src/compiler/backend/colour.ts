// Graph colouring with coalescing: George and Appel, "Iterated Register Coalescing" (1996). Registers of low degree are
// taken off the graph (they can always be coloured later); copies between the rest are coalesced when that cannot make
// the graph harder (Briggs' and George's tests); when neither helps, a copy is given up, then a candidate for the stack
// chosen. Colours are found in the reverse order; a candidate that finds none is spilled.

import type { Register } from "./code.js";
import { isVirtual, REGISTERS, VIRTUAL } from "./code.js";
import type { Copy, Interference } from "./interference.js";

export interface Colouring {
  /** A real register for every virtual one, when nothing is spilled. */
  readonly colours: ReadonlyMap<Register, Register>;
  /** Those that found none, each with the registers that were coalesced with it. */
  readonly spilled: ReadonlyMap<Register, readonly Register[]>;
}

/** Caller-saved first: those of R6…R9 that a program does not use cost the JIT's prologue nothing. */
const preference: readonly Register[] = [1, 2, 3, 4, 5, 0, 6, 7, 8, 9];

/** `mustStay`: registers that spilling again would not help. */
export function colour(graph: Interference, mustStay: ReadonlySet<Register>): Colouring {
  return new Painter(graph, mustStay).run();
}

class Painter {
  private readonly degrees: Int32Array;
  private readonly aliases = new Map<Register, Register>();
  /** Taken off the graph, in that order. */
  private readonly stack: Register[] = [];
  /** 1: on the stack, or coalesced with another. */
  private readonly removed: Uint8Array;
  private readonly simple = new Set<Register>();
  private readonly frozen = new Set<Register>();
  private readonly crowded = new Set<Register>();
  private readonly copiesOf = new Map<Register, Set<Copy>>();
  /** Copies that may be coalesced now; those that may become so; a copy in neither is decided. */
  private readonly ready: Set<Copy>;
  private readonly waiting = new Set<Copy>();

  constructor(private readonly graph: Interference, private readonly mustStay: ReadonlySet<Register>) {
    this.degrees = new Int32Array(graph.registersEnd);
    this.removed = new Uint8Array(graph.registersEnd);
    this.ready = new Set(graph.copies);
    for (const copy of graph.copies) {
      for (const register of [copy.to, copy.from]) {
        if (!isVirtual(register)) continue;
        const known = this.copiesOf.get(register);
        if (known === undefined) this.copiesOf.set(register, new Set([copy]));
        else known.add(copy);
      }
    }
    for (let register = VIRTUAL; register < graph.registersEnd; register++) {
      this.degrees[register] = graph.neighboursOf(register).length;
      // What nothing reads or writes any more needs no register.
      if (graph.costs[register] === 0) this.removed[register] = 1;
      else this.file(register);
    }
  }

  run(): Colouring {
    for (;;) {
      if (this.simple.size > 0) this.simplify(take(this.simple));
      else if (this.ready.size > 0) this.coalesce(take(this.ready));
      else if (this.frozen.size > 0) this.freeze(take(this.frozen));
      else if (this.crowded.size > 0) this.chooseCandidate();
      else return this.assign();
    }
  }

  /** Puts a register of the graph on the list that its degree and copies ask for. */
  private file(register: Register): void {
    this.simple.delete(register);
    this.frozen.delete(register);
    this.crowded.delete(register);
    if (this.degree(register) >= REGISTERS) this.crowded.add(register);
    else if (this.isMoveRelated(register)) this.frozen.add(register);
    else this.simple.add(register);
  }

  private simplify(register: Register): void {
    this.stack.push(register);
    this.removed[register] = 1;
    for (const neighbour of this.graph.neighboursOf(register)) {
      if (this.isOnGraph(neighbour)) this.decrementDegree(neighbour);
    }
  }

  private decrementDegree(register: Register): void {
    if (!isVirtual(register)) return;
    const degree = this.degrees[register]!--;
    if (degree !== REGISTERS) return;
    this.enableCopies(register);
    for (const neighbour of this.graph.neighboursOf(register)) {
      if (isVirtual(neighbour) && this.isOnGraph(neighbour)) this.enableCopies(neighbour);
    }
    this.file(register);
  }

  private enableCopies(register: Register): void {
    for (const copy of this.copiesOf.get(register) ?? []) {
      if (this.waiting.delete(copy)) this.ready.add(copy);
    }
  }

  private coalesce(copy: Copy): void {
    const to = this.resolve(copy.to);
    const from = this.resolve(copy.from);
    // A real register, if there is one, keeps its name.
    const [keep, give] = isVirtual(from) ? [to, from] : [from, to];
    if (keep === give) this.refile(keep);
    else if (!isVirtual(give) || this.graph.interferes(keep, give)) {
      this.refile(keep);
      this.refile(give);
    } else if (isVirtual(keep) ? this.isEasyUnion(keep, give) : this.isHarmless(keep, give)) {
      this.combine(keep, give);
      this.refile(keep);
    } else this.waiting.add(copy);
  }

  private refile(register: Register): void {
    if (isVirtual(register) && this.isOnGraph(register)) this.file(register);
  }

  /** George: every neighbour of `give` is simple, or conflicts with the real register anyway. */
  private isHarmless(real: Register, give: Register): boolean {
    for (const neighbour of this.graph.neighboursOf(give)) {
      if (!this.isOnGraph(neighbour)) continue;
      if (!isVirtual(neighbour) || this.degree(neighbour) < REGISTERS || this.graph.interferes(neighbour, real)) continue;
      return false;
    }
    return true;
  }

  /** Briggs: the union has fewer neighbours of high degree than there are colours. */
  private isEasyUnion(a: Register, b: Register): boolean {
    let high = 0;
    const countHigh = (neighbour: Register, other: Register) => {
      if (!this.isOnGraph(neighbour)) return;
      const shared = this.graph.interferes(neighbour, other) ? 1 : 0;
      if (!isVirtual(neighbour) || this.degree(neighbour) - shared >= REGISTERS) high++;
    };
    for (const neighbour of this.graph.neighboursOf(a)) countHigh(neighbour, b);
    for (const neighbour of this.graph.neighboursOf(b)) if (!this.graph.interferes(neighbour, a)) countHigh(neighbour, a);
    return high < REGISTERS;
  }

  private combine(keep: Register, give: Register): void {
    this.simple.delete(give);
    this.frozen.delete(give);
    this.crowded.delete(give);
    this.removed[give] = 1;
    this.aliases.set(give, keep);
    this.enableCopies(give);
    const copies = this.copiesOf.get(give) ?? [];
    if (isVirtual(keep)) {
      const kept = this.copiesOf.get(keep) ?? new Set();
      for (const copy of copies) kept.add(copy);
      this.copiesOf.set(keep, kept);
      this.graph.costs[keep]! += this.graph.costs[give]!;
    }
    for (const neighbour of [...this.graph.neighboursOf(give)]) {
      if (!this.isOnGraph(neighbour)) continue;
      if (this.graph.addEdge(neighbour, keep)) {
        if (isVirtual(keep)) this.degrees[keep]!++;
      } else this.decrementDegree(neighbour);
    }
  }

  private freeze(register: Register): void {
    this.giveUpCopies(register);
    this.file(register);
  }

  private giveUpCopies(register: Register): void {
    for (const copy of this.copiesOf.get(register) ?? []) {
      if (!this.ready.delete(copy) && !this.waiting.delete(copy)) continue;
      const [to, from] = [this.resolve(copy.to), this.resolve(copy.from)];
      if (to !== from) this.refile(to === register ? from : to);
    }
  }

  /** The cheapest to keep in memory for what it would free. It still gets a register if one is left over. */
  private chooseCandidate(): void {
    let best: Register | undefined;
    let bestCost = Infinity;
    for (const register of this.crowded) {
      const cost = this.mustStay.has(register) ? Number.MAX_VALUE : this.graph.costs[register]! / this.degree(register);
      if (best === undefined || cost < bestCost) [best, bestCost] = [register, cost];
    }
    this.crowded.delete(best!);
    this.giveUpCopies(best!);
    this.simplify(best!);
  }

  private assign(): Colouring {
    const colours = new Map<Register, Register>();
    const spilled: Register[] = [];
    const colourOf = (register: Register): Register | undefined => {
      const resolved = this.resolve(register);
      return isVirtual(resolved) ? colours.get(resolved) : resolved;
    };
    for (const register of this.stack.reverse()) {
      const taken = new Set(this.graph.neighboursOf(register).map(colourOf));
      const copied = [...(this.copiesOf.get(register) ?? [])].flatMap(({ to, from }) => [colourOf(to), colourOf(from)]);
      const best = [...copied, ...preference].find((real) => real !== undefined && !taken.has(real));
      if (best === undefined) spilled.push(register);
      else colours.set(register, best);
    }
    for (const given of this.aliases.keys()) {
      const real = colourOf(given);
      if (real !== undefined) colours.set(given, real);
    }
    const coalesced = (register: Register) => [...this.aliases.keys()].filter((given) => this.resolve(given) === register);
    return { colours, spilled: new Map(spilled.map((register) => [register, coalesced(register)])) };
  }

  private resolve(register: Register): Register {
    let resolved = register;
    for (let next = this.aliases.get(resolved); next !== undefined; next = this.aliases.get(resolved)) resolved = next;
    return resolved;
  }

  private degree(register: Register): number {
    return this.degrees[register]!;
  }

  private isOnGraph(register: Register): boolean {
    return this.removed[register] === 0;
  }

  private isMoveRelated(register: Register): boolean {
    for (const copy of this.copiesOf.get(register) ?? []) {
      if (this.ready.has(copy) || this.waiting.has(copy)) return true;
    }
    return false;
  }
}

function take<T>(set: Set<T>): T {
  const [first] = set;
  set.delete(first!);
  return first!;
}
