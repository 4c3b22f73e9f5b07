// What is known at a place in the program from the branches that led there: of a condition, of a pair of values that were
// compared, of a value's range, and of how far the packet reaches past a pointer. What was learned can be forgotten again,
// as a walk down the dominator tree needs.

import type { Instruction, Predicate } from "../ir.js";
import { foldCompare, negated, swapped, wrap } from "../ir-arithmetic.js";
import { constantOf } from "../ir-builder.js";

type Compare = Instruction & { op: "compare" };

/** Outcomes of comparing two values that a predicate allows: 1 less, 2 equal, 4 greater. */
const outcomes: { readonly [P in Predicate]: number } = {
  eq: 2, ne: 5, ult: 1, ule: 3, ugt: 4, uge: 6, slt: 1, sle: 3, sgt: 4, sge: 6,
};

/** pointer + reaches ≤ end, pointer + exceeds > end. */
interface Reach {
  readonly reaches: number;
  readonly exceeds: number;
}

export class Facts {
  private readonly conditions = new Map<Instruction, boolean>();
  /** By pairKey(). */
  private readonly pairs = new Map<string, number>();
  private readonly ranges = new Map<Instruction, { least: bigint; most: bigint }>();
  private readonly reach = new Map<string, Reach>();
  /** How to take back what was learned, newest last. */
  private readonly undo: (() => void)[] = [];

  mark(): number {
    return this.undo.length;
  }

  /** Forgets what was learned since the mark. */
  leave(mark: number): void {
    while (this.undo.length > mark) this.undo.pop()!();
  }

  learn(condition: Instruction, holds: boolean): void {
    this.set(this.conditions, condition, holds);
    if (condition.op !== "compare") return;
    const predicate = holds ? condition.predicate : negated[condition.predicate];
    const [left, right] = condition.args;
    this.learnOutcomes(left, right, isSigned(predicate), outcomes[predicate]);
    const constant = constantOf(right);
    if (constant !== undefined && left.type !== "pointer" && !isSigned(predicate)) this.learnRange(left, predicate, constant);
    const bound = boundsCheck(left, right, predicate);
    if (bound !== undefined) this.learnReach(bound);
  }

  /** Whether the condition is known to hold, or not to. */
  decide(condition: Instruction): boolean | undefined {
    const known = this.conditions.get(condition);
    if (known !== undefined || condition.op !== "compare") return known;
    return this.decidePair(condition) ?? this.decideRange(condition) ?? this.decideReach(condition);
  }

  private learnOutcomes(left: Instruction, right: Instruction, signed: boolean, allowed: number): void {
    const key = pairKey(left, right, signed);
    this.set(this.pairs, key, (this.pairs.get(key) ?? 7) & allowed);
  }

  private decidePair({ predicate, args: [left, right] }: Compare): boolean | undefined {
    if (predicate === "eq" || predicate === "ne") {
      return this.decideOutcomes(left, right, false, outcomes[predicate]) ?? this.decideOutcomes(left, right, true, outcomes[predicate]);
    }
    return this.decideOutcomes(left, right, isSigned(predicate), outcomes[predicate]);
  }

  private decideOutcomes(left: Instruction, right: Instruction, signed: boolean, asked: number): boolean | undefined {
    // Equality says the same of signed and unsigned numbers.
    const equality = this.pairs.get(pairKey(left, right, !signed)) ?? 7;
    const allowed = (this.pairs.get(pairKey(left, right, signed)) ?? 7) & (equality === 2 ? 2 : equality & 2 ? 7 : 5);
    if ((allowed & asked) === 0) return false;
    return (allowed & ~asked) === 0 ? true : undefined;
  }

  private learnRange(value: Instruction, predicate: Predicate, constant: bigint): void {
    let { least, most } = this.rangeOf(value);
    if (predicate === "eq") [least, most] = [constant, constant];
    else if (predicate === "ult" && constant <= most) most = constant - 1n;
    else if (predicate === "ule" && constant < most) most = constant;
    else if (predicate === "ugt" && constant >= least) least = constant + 1n;
    else if (predicate === "uge" && constant > least) least = constant;
    else if (predicate === "ne" && constant === least) least += 1n;
    else if (predicate === "ne" && constant === most) most -= 1n;
    else return;
    this.set(this.ranges, value, { least, most });
  }

  private decideRange({ predicate, args: [left, right] }: Compare): boolean | undefined {
    const constant = constantOf(right);
    const known = this.ranges.get(left);
    if (constant === undefined || known === undefined || isSigned(predicate)) return undefined;
    if (predicate === "eq" || predicate === "ne") {
      if (constant < known.least || constant > known.most) return predicate === "ne";
      return known.least === known.most ? predicate === "eq" : undefined;
    }
    const [first, last] = [foldCompare(predicate, left.type, known.least, constant), foldCompare(predicate, left.type, known.most, constant)];
    return first === last ? first : undefined;
  }

  private rangeOf(value: Instruction): { least: bigint; most: bigint } {
    return this.ranges.get(value) ?? { least: 0n, most: wrap(value.type, -1n) };
  }

  private learnReach({ key, offset, isWithin }: BoundsCheck): void {
    const { reaches, exceeds } = this.reach.get(key) ?? unknownReach;
    this.set(this.reach, key, isWithin ? { reaches: Math.max(reaches, offset), exceeds } : { reaches, exceeds: Math.min(exceeds, offset) });
  }

  private decideReach({ predicate, args: [left, right] }: Compare): boolean | undefined {
    const bound = boundsCheck(left, right, predicate);
    if (bound === undefined) return undefined;
    const { reaches, exceeds } = this.reach.get(bound.key) ?? unknownReach;
    if (bound.offset <= reaches) return bound.isWithin;
    return bound.offset >= exceeds ? !bound.isWithin : undefined;
  }

  private set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    this.undo.push(before === undefined ? () => map.delete(key) : () => map.set(key, before));
    map.set(key, value);
  }
}

const unknownReach: Reach = { reaches: -Infinity, exceeds: Infinity };

const isSigned = (predicate: Predicate): boolean => predicate.startsWith("s");
const pairKey = (left: Instruction, right: Instruction, signed: boolean): string => `${signed ? "s" : "u"} ${left.id} ${right.id}`;

interface BoundsCheck {
  /** Of the pointer and the end that it is compared with. */
  readonly key: string;
  readonly offset: number;
  /** What holding means: pointer + offset ≤ end, or > end. */
  readonly isWithin: boolean;
}

/**
 * pointer + offset > end and its like, on either side. The end is a load of the context (its data_end); two such are one
 * value unless the packet moved between them.
 */
function boundsCheck(left: Instruction, right: Instruction, predicate: Predicate): BoundsCheck | undefined {
  if (isEnd(left) && !isEnd(right)) return boundsCheck(right, left, swapped[predicate]);
  if (!isEnd(right) || predicate !== "ugt" && predicate !== "ule") return undefined;
  const isSum = left.op === "pointerAdd" && left.args.length === 1;
  const [base, offset] = isSum ? [left.args[0], left.offset] : [left, 0];
  return { key: `${base.id} ${right.id}`, offset, isWithin: predicate === "ule" };
}

const isEnd = ({ op, type, ...rest }: Instruction): boolean =>
  op === "load" && type === "pointer" && "space" in rest && rest.space === "context";
