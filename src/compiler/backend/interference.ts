// Which registers must differ because one is written while the other is still needed, and which would better be the same
// because one is copied to the other.

import type { CodeFunction, Operation, Register } from "./code.js";
import { exitReads, FRAME, isVirtual, reads, writes } from "./code.js";
import { livenessOf } from "./liveness.js";

export interface Copy {
  readonly to: Register;
  readonly from: Register;
}

export class Interference {
  /** A bit for each pair. */
  private readonly edges: Uint32Array;
  private readonly neighbours: Register[][];
  readonly copies: Copy[] = [];
  /** Reads and writes of each register, each weighted by how often its block runs. */
  readonly costs: Float64Array;

  /** Registers are less than `registersEnd`. */
  constructor(readonly registersEnd: Register) {
    this.edges = new Uint32Array(Math.ceil((registersEnd * registersEnd) / 32));
    this.neighbours = Array.from({ length: registersEnd }, () => []);
    this.costs = new Float64Array(registersEnd);
  }

  /** Of a virtual register; real ones have more neighbours than it is worth to list. */
  neighboursOf(register: Register): readonly Register[] {
    return this.neighbours[register]!;
  }

  interferes(a: Register, b: Register): boolean {
    const bit = a * this.registersEnd + b;
    return (this.edges[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** False when the edge was there already. */
  addEdge(a: Register, b: Register): boolean {
    if (a === b || this.interferes(a, b)) return false;
    this.enter(a, b);
    this.enter(b, a);
    return true;
  }

  private enter(a: Register, b: Register): void {
    const bit = a * this.registersEnd + b;
    this.edges[bit >>> 5]! |= 1 << (bit & 31);
    if (isVirtual(a)) this.neighbours[a]!.push(b);
  }
}

export function interferenceOf(code: CodeFunction): Interference {
  const graph = new Interference(code.nextRegister);
  const liveOut = livenessOf(code);
  for (const block of code.blocks) {
    const live = new Set(liveOut.get(block));
    const count = (register: Register) => {
      graph.costs[register]! += block.frequency;
    };
    for (const register of exitReads(block.exit)) {
      count(register);
      live.add(register);
    }
    for (const operation of block.operations.toReversed()) {
      enterOperation(graph, operation, live);
      reads(operation).forEach(count);
      writes(operation).forEach(count);
    }
  }
  return graph;
}

/** `live`: what is needed after the operation; becomes what is needed before it. */
function enterOperation(graph: Interference, operation: Operation, live: Set<Register>): void {
  const read = reads(operation);
  const written = writes(operation);
  if (isCopy(operation)) {
    // Chaitin: both may share a register although the source lives on; they hold the same.
    live.delete(operation.from as Register);
    graph.copies.push({ to: operation.to, from: operation.from as Register });
  }
  for (const register of written) live.add(register);
  // A `set` writes its result before it asks its condition.
  if (operation.op === "set") for (const register of read) live.add(register);
  for (const register of written) for (const other of live) graph.addEdge(register, other);
  for (const register of written) live.delete(register);
  for (const register of read) if (register !== FRAME) live.add(register);
}

/** A move that goes away when both sides get the same register. */
export const isCopy = (operation: Operation): operation is Operation & { op: "move" } =>
  operation.op === "move" && operation.width === 64 && typeof operation.from === "number" && operation.from !== FRAME;
