// Which registers hold a value that somebody still reads, at the end of each block.

import type { CodeBlock, CodeFunction, Register } from "./code.js";
import { exitReads, FRAME, reads, successors, writes } from "./code.js";

export type Liveness = ReadonlyMap<CodeBlock, ReadonlySet<Register>>;

/** Live out of each block. R10 is always live and never listed. */
export function livenessOf(code: CodeFunction): Liveness {
  const local = new Map(code.blocks.map((block) => [block, summarize(block)]));
  const liveIn = new Map<CodeBlock, Set<Register>>(code.blocks.map((block) => [block, new Set(local.get(block)!.readFirst)]));
  const liveOut = new Map<CodeBlock, Set<Register>>(code.blocks.map((block) => [block, new Set()]));
  // Backwards through the reverse postorder in which selection made the blocks: few rounds.
  for (let changed = true; changed;) {
    changed = false;
    for (const block of [...code.blocks].reverse()) {
      const out = liveOut.get(block)!;
      const before = out.size;
      for (const successor of successors(block)) for (const register of liveIn.get(successor)!) out.add(register);
      if (out.size === before) continue;
      changed = true;
      const { written } = local.get(block)!;
      const into = liveIn.get(block)!;
      for (const register of out) if (!written.has(register)) into.add(register);
    }
  }
  return liveOut;
}

function summarize(block: CodeBlock) {
  const readFirst = new Set<Register>();
  const written = new Set<Register>();
  const read = (register: Register) => {
    if (register !== FRAME && !written.has(register)) readFirst.add(register);
  };
  for (const operation of block.operations) {
    reads(operation).forEach(read);
    for (const register of writes(operation)) written.add(register);
  }
  exitReads(block.exit).forEach(read);
  return { readFirst, written };
}
