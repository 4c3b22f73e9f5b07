// Atomic read-modify-write: RFC 9669 section 5.3. One run has the memory to itself, so plain accesses will do.

import { BPF_ADD, BPF_AND, BPF_CMPXCHG, BPF_FETCH, BPF_OR, BPF_XCHG, BPF_XOR } from "../opcode.js";
import { Fault } from "./errors.js";
import type { Registers } from "./registers.js";
import { get64, set64 } from "./registers.js";

/** On the 4 or 8 bytes at `at`; `s` is the place of the source register. */
export function atomic(r: Registers, operation: number, s: number, view: DataView, at: number, bytes: number): void {
  const wide = bytes === 8;
  const old = wide ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
  const operand = wide ? get64(r, s) : BigInt(r[s]!);
  const result = next(operation, old, operand, wide ? get64(r, 0) : BigInt(r[0]!));
  if (wide) view.setBigUint64(at, result, true);
  else view.setUint32(at, Number(BigInt.asUintN(32, result)), true);
  if (operation === BPF_CMPXCHG) set64(r, 0, old);
  else if (operation & BPF_FETCH) set64(r, s, old);
}

function next(operation: number, old: bigint, operand: bigint, expected: bigint): bigint {
  switch (operation) {
    case BPF_ADD: case BPF_ADD | BPF_FETCH: return BigInt.asUintN(64, old + operand);
    case BPF_OR: case BPF_OR | BPF_FETCH: return old | operand;
    case BPF_AND: case BPF_AND | BPF_FETCH: return old & operand;
    case BPF_XOR: case BPF_XOR | BPF_FETCH: return old ^ operand;
    case BPF_XCHG: return operand;
    case BPF_CMPXCHG: return old === expected ? operand : old;
    default: throw new Fault(`has no atomic operation 0x${operation.toString(16)}`);
  }
}
