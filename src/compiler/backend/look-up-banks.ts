// A table of several values has no address that a program could compute from: the kernel gives each value's. The call is
// one in name only: the verifier puts the array's arithmetic in its place, six instructions (Linux v6.12
// kernel/bpf/arraymap.c, array_map_gen_lookup()). It must be shown that the value is there, which it always is:
//
//   v2 = mapBank connections v1      →       store64 stack slot, v1
//                                            v2 = bpf_map_lookup_elem(connections, slot)
//                                            if v2 = null: return 0
//
// 0 is what every function may return, a callback too; the way there is never taken. All banks are alike to the verifier,
// so that it goes on by one path, where a branch to the addresses of several maps would give it one for each.

import type { Block, Instruction, IrFunction } from "../ir.js";
import { Builder, newBlock, newSlot, takeTerminator } from "../ir-builder.js";
import { bpf_map_lookup_elem } from "../map-helpers.js";
import { Replacements } from "../optimize/replacements.js";

/** To be done when what is computed twice has been merged: of two look-ups nobody sees that they are one. */
export function lookUpBanks(fn: IrFunction): void {
  const blocks = fn.blocks.filter(({ instructions }) => instructions.some(isBank));
  if (blocks.length === 0) return;
  const replacements = new Replacements();
  const missing = returningNothing(fn);
  for (const first of blocks) {
    for (let block = first, at = bankIn(block); at >= 0; at = bankIn(block)) {
      const bank = block.instructions[at] as Bank;
      const rest = splitAfter(fn, block, at);
      block.instructions.pop();
      replacements.set(bank, lookUp(fn, block, bank, { missing, found: rest }));
      block = rest;
    }
  }
  replacements.apply(fn);
}

type Bank = Instruction & { op: "mapBank" };
const isBank = (instruction: Instruction): instruction is Bank => instruction.op === "mapBank";
const bankIn = ({ instructions }: Block): number => instructions.findIndex(isBank);

function returningNothing(fn: IrFunction): Block {
  const builder = new Builder(fn);
  builder.block = newBlock(fn, true);
  if (fn.returnType === "void") builder.return();
  else builder.return(builder.constant(fn.returnType, 0));
  return builder.block;
}

/** What stands behind instruction `at` becomes a block of its own. */
function splitAfter(fn: IrFunction, block: Block, at: number): Block {
  const rest = newBlock(fn, block.unlikely);
  rest.instructions = block.instructions.splice(at + 1);
  for (const instruction of rest.instructions) instruction.block = rest;
  takeTerminator(rest, block);
  return rest;
}

/** Ends `block` by it. */
function lookUp(fn: IrFunction, block: Block, { map, args: [number], span }: Bank, { missing, found }: { missing: Block; found: Block }): Instruction {
  const builder = new Builder(fn);
  builder.block = block;
  builder.span = span;
  const key = newSlot(fn, 8, "bank");
  const address = builder.stackAddress(key);
  // A whole word: while only a part of one is overwritten, the verifier takes what was in it before for wanted.
  builder.store(64, address, 0, builder.convert("zeroExtend", number), "stack");
  const value = builder.callHelper("pointer", bpf_map_lookup_elem, [builder.mapReference(map), address], { reads: [key] });
  builder.branch(builder.compare("eq", value, builder.constant("pointer", 0)), missing, found, false);
  return value;
}
