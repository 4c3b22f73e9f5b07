// Code as text, to find blocks that do the same: they have the same text. Slots, maps, functions and blocks are who they
// are, not what they look like.

import type { Address, CodeBlock, Condition, Exit, Operand, Operation, Wide } from "./code.js";
import { isRegister } from "./code.js";

export class Description {
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
