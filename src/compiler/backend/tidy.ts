// What register allocation leaves behind: blocks whose copies all went away, blocks that came out the same, branches
// whose sides now meet. Works on real registers.

import type { Address, CodeBlock, CodeFunction, Condition, Exit, Operand, Operation, Wide } from "./code.js";
import { isRegister, successors } from "./code.js";

export function tidyBlocks(code: CodeFunction): void {
  for (let changed = true; changed;) {
    const targets = new Map([...emptyBlocks(code), ...duplicates(code)]);
    changed = targets.size > 0;
    if (changed) retarget(code, targets);
    removeUnreachable(code);
  }
  for (const block of code.blocks) exitAtOnce(block);
  removeUnreachable(code);
}

/** A jump to nothing but an exit is an exit. */
function exitAtOnce(block: CodeBlock): void {
  if (block.exit.op !== "jump") return;
  const { operations, exit } = block.exit.target;
  if (operations.length === 0 && exit.op === "exit") block.exit = exit;
}

/** Blocks that only jump, with where they jump to. */
function emptyBlocks(code: CodeFunction): [CodeBlock, CodeBlock][] {
  return code.blocks.flatMap((block): [CodeBlock, CodeBlock][] =>
    block !== code.blocks[0] && block.operations.length === 0 && block.exit.op === "jump" && block.exit.target !== block
      ? [[block, block.exit.target]]
      : []);
}

/** Blocks that do what an earlier one does; the colder of the two gives way to the other. */
function duplicates(code: CodeFunction): [CodeBlock, CodeBlock][] {
  const known = new Map<string, CodeBlock>();
  const found: [CodeBlock, CodeBlock][] = [];
  const description = new Description();
  for (const block of code.blocks) {
    const text = description.ofBlock(block);
    const first = known.get(text);
    if (first === undefined) known.set(text, block);
    else if (block !== code.blocks[0]) {
      first.frequency += block.frequency;
      first.unlikely &&= block.unlikely;
      found.push([block, first]);
    }
  }
  return found;
}

/** The same text for what does the same. Slots, maps, functions and blocks are who they are, not what they look like. */
class Description {
  private readonly numbers = new Map<object, number>();

  ofBlock({ operations, exit }: CodeBlock): string {
    return `${operations.map((operation) => this.ofOperation(operation)).join(";")};${this.ofExit(exit)}`;
  }

  private ofOperation(operation: Operation): string {
    switch (operation.op) {
      case "move": return `move${operation.width} ${operation.to} ${operand(operation.from)}`;
      case "alu": return `${operation.operator}${operation.width} ${operation.to} ${operand(operation.from)}`;
      case "negate": return `negate${operation.width} ${operation.to}`;
      case "wide": return `wide ${operation.to} ${this.ofWide(operation.value)}`;
      case "slotAddress": return `address ${operation.to} ${this.number(operation.slot)} ${operation.offset}`;
      case "swap": return `swap${operation.bits} ${operation.to}`;
      case "load": return `load${operation.bits} ${operation.to} ${this.ofAddress(operation.address)}`;
      case "store": return `store${operation.bits} ${this.ofAddress(operation.address)} ${operand(operation.from)}`;
      case "atomic": return `${operation.operator}${operation.bits} ${this.ofAddress(operation.address)} ${operation.from}`;
      case "set": return `set ${operation.to} ${condition(operation.condition)}`;
      case "call": return `call ${"helper" in operation.callee ? operation.callee.helper : `function ${this.number(operation.callee)}`}`;
    }
  }

  private ofExit(exit: Exit): string {
    if (exit.op === "exit") return "exit";
    if (exit.op === "jump") return `jump ${this.number(exit.target)}`;
    return `branch ${condition(exit.condition)} ${this.number(exit.ifTrue)} ${this.number(exit.ifFalse)}`;
  }

  private ofWide(value: Wide): string {
    switch (value.kind) {
      case "number": return `${value.value}`;
      case "map": return `map ${this.number(value.map)}`;
      case "mapValue": return `value ${this.number(value.map)} ${value.offset}`;
      case "function": return `function ${this.number(value.callee)}`;
    }
  }

  private ofAddress({ base, offset, slot }: Address): string {
    return slot === undefined ? `${base}+${offset}` : `slot ${this.number(slot)}+${offset}`;
  }

  private number(object: object): number {
    const number = this.numbers.get(object) ?? this.numbers.size;
    this.numbers.set(object, number);
    return number;
  }
}

const operand = (value: Operand): string => (isRegister(value) ? `r${value}` : `${value.immediate}`);
const condition = ({ predicate, width, left, right }: Condition): string => `${predicate}${width} ${left} ${operand(right)}`;

function retarget(code: CodeFunction, targets: ReadonlyMap<CodeBlock, CodeBlock>): void {
  const final = (block: CodeBlock): CodeBlock => {
    // Empty blocks may jump in a circle (an endless loop); the circle stays.
    const seen = new Set<CodeBlock>();
    let at = block;
    for (let next = targets.get(at); next !== undefined && !seen.has(next); next = targets.get(at)) {
      seen.add(at);
      at = next;
    }
    return at;
  };
  for (const block of code.blocks) {
    const exit = block.exit;
    if (exit.op === "jump") exit.target = final(exit.target);
    if (exit.op !== "branch") continue;
    exit.ifTrue = final(exit.ifTrue);
    exit.ifFalse = final(exit.ifFalse);
    if (exit.ifTrue === exit.ifFalse) block.exit = { op: "jump", target: exit.ifTrue, span: exit.span };
  }
}

function removeUnreachable(code: CodeFunction): void {
  const reached = new Set<CodeBlock>([code.blocks[0]!]);
  for (const block of reached) for (const successor of successors(block)) reached.add(successor);
  code.blocks = code.blocks.filter((block) => reached.has(block));
}
