// A refusal by the kernel's verifier: of a log of thousands of lines, the one that says why, and the source line it is about.

import { btfString } from "#ebpf/btf.js";
import type { LineInfo, ProgramSpec } from "#ebpf/spec.js";
import { KernelError } from "./errors.js";

export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line itself, trimmed. */
  readonly text: string;
}

export class VerifierError extends KernelError {
  override readonly name = "VerifierError";
  /** The verifier's last useful line. */
  readonly reason: string;
  /** The instruction that it stopped at, where the log names one. */
  readonly instruction: number | undefined;
  readonly location: SourceLocation | undefined;
  /** All of it. */
  readonly log: string;

  constructor(spec: ProgramSpec, errno: number, log: string, attempted: string) {
    const reason = lastUsefulLine(log);
    const instruction = lastInstruction(log);
    const location = instruction === undefined ? undefined : locate(spec, instruction);
    const where = location === undefined ? "" : ` at ${location.file}:${location.line}:${location.column} (${location.text})`;
    super({ code: "VERIFIER", call: "bpf(BPF_PROG_LOAD)", errno, attempted, found: `the verifier refuses it${where}: ${reason}` });
    this.reason = reason;
    this.instruction = instruction;
    this.location = location;
    this.log = log;
  }
}

// Linux kernel/bpf/verifier.c, print_verification_stats(), and the source lines and states printed along the way.
const NOT_A_REASON = [
  /^processed \d+ insns/, /^verification time /, /^stack depth /, /^max_states_per_insn/, /^mark_precise:/, /^;/, /^\d+: \(/, /^\d+: R\d/,
  /^from \d+ to \d+/, /^Validating /, /^Func#\d+/, /^func#\d+/, /^\s*$/,
];

export function lastUsefulLine(log: string): string {
  const lines = log.split("\n").map((line) => line.trim());
  return lines.findLast((line) => !NOT_A_REASON.some((pattern) => pattern.test(line))) ?? lines.at(-1) ?? "";
}

/** "34: (71) r1 = *(u8 *)(r1 +0)": the last of these is where it stopped. */
export function lastInstruction(log: string): number | undefined {
  const last = log.split("\n").findLast((line) => /^\d+: \([0-9a-f]{2}\)/.test(line));
  return last === undefined ? undefined : Number.parseInt(last, 10);
}

/** The line record that covers the instruction: the last one that starts at or before it. */
export function locate(spec: ProgramSpec, instruction: number): SourceLocation | undefined {
  const record = spec.lineInfo.findLast((candidate: LineInfo) => candidate.at <= instruction);
  if (record === undefined) return undefined;
  const { fileOffset, lineOffset, line, column } = record;
  return { file: btfString(spec.btf, fileOffset), line, column, text: btfString(spec.btf, lineOffset).trim() };
}
