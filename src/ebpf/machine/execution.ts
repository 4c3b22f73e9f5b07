// Runs instructions: one Execution is one machine's processor. RFC 9669 says what each does; where the kernel is
// stricter or says more (calls, callbacks, tail calls), so is this.

import { helperName } from "../helper-names.js";
import { BPF_ALU, BPF_ALU64, BPF_ATOMIC, BPF_CALL, BPF_END, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, BPF_LDX, BPF_LD_IMM64, BPF_MEM,
  BPF_PSEUDO_CALL, BPF_ST, BPF_STX, BPF_TO_BE, BPF_X, MAX_BPF_STACK, accessBytes } from "../opcode.js";
import { arithmetic32, arithmetic64, holds32, holds64, swapBytes } from "./arithmetic.js";
import { atomic } from "./atomic.js";
import type { Context } from "./context.js";
import type { EmulatedMap } from "./emulated-map.js";
import { Fault, machineError } from "./errors.js";
import { helpers } from "./helpers.js";
import type { LoadedProgram } from "./loaded-program.js";
import type { Region } from "./memory.js";
import { CODE_REGION, Memory, ORIGIN, createGrave, createRegion } from "./memory.js";
import type { Clone, MachineOptions, Redirect } from "./options.js";
import { Packet } from "./packet.js";
import { IMMEDIATE, POISON, POISON_BYTE, createRegisters, get64, set64, setNumber } from "./registers.js";
import type { RingBufferMap } from "./ring-buffer.js";
import type { Timers } from "./timers.js";

/** Linux include/linux/bpf_verifier.h, MAX_CALL_FRAMES. */
const FRAMES_MAX = 8;
/** The verifier accepts only programs that end; one under test may not. Far above what a packet can cost. */
const INSTRUCTIONS_MAX = 1e9;

const R0 = 0;
const R1 = 2;
const R6 = 12;
const R10 = 20;

interface Frame {
  readonly stack: Region;
  /** The caller's R6 … R9 and R10, and where it goes on. */
  readonly saved: Uint32Array;
  program: LoadedProgram | undefined;
  next: number;
}

const deadFrame = createGrave("the stack of a function that has returned");

export class Execution {
  readonly memory = new Memory();
  readonly registers = createRegisters();
  readonly packet = new Packet(this.memory);
  context: Context | undefined;
  redirect: Redirect | undefined;
  /** What bpf_clone_redirect() sent, in its order. */
  clones: Clone[] = [];
  /** The CPU that runs it. */
  cpu = 0;
  /** Of which 33 are allowed. */
  tailCalls = 0;
  /** Set by bpf_tail_call(): where the running program goes on. */
  tailCallTarget: LoadedProgram | undefined;
  /** The program that a helper was called from. */
  program: LoadedProgram | undefined;
  /** Records of ring buffers that the program got and has not given back. */
  readonly reservedRecords = new Map<Region, RingBufferMap>();
  /** The sk_buff's ip_summed is CHECKSUM_PARTIAL. */
  checksumPartial = false;
  /** Then where the bytes begin that the device sums up, from the packet's beginning. */
  checksumStart = 0;
  /** Where the sk_buff's network header begins, and whether bpf_skb_adjust_room() put a tunnel's before it. */
  networkOffset = 0;
  encapsulated = false;
  instructions = 0;
  readonly #frames: readonly Frame[] = Array.from({ length: FRAMES_MAX }, (_, depth) => ({
    stack: createRegion(depth === 0 ? "the stack" : `the stack of function call ${depth}`, new Uint8Array(MAX_BPF_STACK)),
    saved: new Uint32Array(10), program: undefined, next: 0,
  }));
  #depth = -1;

  constructor(readonly options: MachineOptions, readonly timers: Timers) {}

  /** Runs a program from its start; R1 is what the caller set. */
  run(program: LoadedProgram, at = 0): void {
    this.#depth = -1;
    this.tailCalls = 0;
    this.instructions = 0;
    this.call(program, at);
  }

  /** Runs a function to its end, its arguments being in R1 … R5; the result is in R0. Callbacks come in here again. */
  call(program: LoadedProgram, at: number): void {
    const base = this.#depth;
    this.#enter(program, at);
    this.#interpret(program, at, base);
  }

  /** The lower half of argument 1 … 5. */
  argument32(number: number): number {
    return this.registers[number * 2]!;
  }
  argument64(number: number): bigint {
    return get64(this.registers, number * 2);
  }
  /** Memory that an argument points to. */
  argumentBytes(number: number, size: number, access: "read" | "write"): Uint8Array {
    if (size === 0) return new Uint8Array();
    return this.memory.bytes(this.registers[number * 2 + 1]!, this.registers[number * 2]!, size, access === "write");
  }
  /** The region that an argument points into. */
  argumentRegion(number: number): Region {
    const region = this.memory.regionAt(this.registers[number * 2 + 1]!);
    if (region === undefined) throw new Fault(`argument ${number} points to nothing`);
    return region;
  }
  argumentMap(number: number): EmulatedMap {
    const region = this.argumentRegion(number);
    if (!("map" in region) || (region.map as EmulatedMap).handle !== region) throw new Fault(`argument ${number} is ${region.name}, not a map`);
    return region.map as EmulatedMap;
  }
  /** The number of the instruction where a function begins. */
  argumentFunction(number: number): number {
    if (this.registers[number * 2 + 1] !== CODE_REGION) throw new Fault(`argument ${number} is no function`);
    return this.registers[number * 2]!;
  }
  expectContext(number: number): Context {
    const context = this.context;
    const isStart = this.registers[number * 2] === ORIGIN;
    if (context === undefined || !isStart || this.argumentRegion(number) !== context.region) throw new Fault(`argument ${number} is not the context`);
    return context;
  }

  setPointer(register: number, region: Region): void {
    this.registers[register * 2] = ORIGIN;
    this.registers[register * 2 + 1] = this.memory.idOf(region);
  }

  #interpret(start: LoadedProgram, at: number, base: number): void {
    const r = this.registers;
    let program = start;
    let { opcodes, destinations, sources, offsets, immediates } = program;
    let pc = at;
    try {
      for (;;) {
        const opcode = opcodes[pc];
        if (opcode === undefined) throw new Fault("is beyond the program's end");
        if (++this.instructions > INSTRUCTIONS_MAX) throw new Fault(`is the ${INSTRUCTIONS_MAX}th instruction of one run; the program does not end`);
        const d = destinations[pc]!;
        const s = sources[pc]!;
        const offset = offsets[pc]!;
        switch (opcode & 0x07) {
          case BPF_ALU64:
            if (d === R10) throw new Fault("writes to r10, which is read only");
            arithmetic64(r, opcode & 0xf0, d, opcode & BPF_X ? s : this.#immediate(immediates[pc]!));
            pc++;
            break;
          case BPF_ALU:
            if (d === R10) throw new Fault("writes to r10, which is read only");
            if ((opcode & 0xf0) === BPF_END) swapBytes(r, d, immediates[pc]!, (opcode & BPF_TO_BE) !== 0);
            else arithmetic32(r, opcode & 0xf0, d, opcode & BPF_X ? s : this.#immediate(immediates[pc]!));
            pc++;
            break;
          case BPF_LDX:
            this.#load(opcode, d, s, offset);
            pc++;
            break;
          case BPF_STX:
            this.#store(opcode, d, s, offset, immediates[pc]!);
            pc++;
            break;
          case BPF_ST:
            this.#store(opcode, d, this.#immediate(immediates[pc]!), offset, 0);
            pc++;
            break;
          case BPF_JMP32:
            pc += holds32(r, opcode & 0xf0, d, opcode & BPF_X ? s : this.#immediate(immediates[pc]!)) ? offset + 1 : 1;
            break;
          case BPF_JMP: {
            const operation = opcode & 0xf0;
            if (operation === BPF_JA) {
              pc += offset + 1;
            } else if (operation === BPF_EXIT) {
              const frame = this.#leave();
              if (this.#depth === base) return this.#expectNothingHeld();
              program = frame.program!;
              pc = frame.next;
              ({ opcodes, destinations, sources, offsets, immediates } = program);
            } else if (operation !== BPF_CALL) {
              pc += holds64(r, operation, d, opcode & BPF_X ? s : this.#immediate(immediates[pc]!)) ? offset + 1 : 1;
            } else if (s === BPF_PSEUDO_CALL * 2) {
              this.#enter(program, pc + 1);
              pc += immediates[pc]! + 1;
            } else {
              this.program = program;
              this.#callHelper(immediates[pc]!);
              pc++;
              if (this.tailCallTarget !== undefined) {
                program = this.tailCallTarget;
                this.tailCallTarget = undefined;
                ({ opcodes, destinations, sources, offsets, immediates } = program);
                pc = 0;
              }
            }
            break;
          }
          default:
            if (opcode !== BPF_LD_IMM64) throw new Fault("is no instruction");
            r[d] = immediates[pc]!;
            r[d + 1] = immediates[pc + 1]!;
            pc += 2;
        }
      }
    } catch (error) {
      if (error instanceof Fault) throw machineError(program.spec, pc, error);
      throw error;
    }
  }

  #expectNothingHeld(): void {
    if (this.#depth >= 0 || this.reservedRecords.size === 0) return;
    throw new Fault("ends the program while it holds a record of a ring buffer; submit or discard it");
  }

  /** Puts an immediate, sign-extended, where an operand register would be. */
  #immediate(value: number): number {
    this.registers[IMMEDIATE] = value;
    this.registers[IMMEDIATE + 1] = value >> 31;
    return IMMEDIATE;
  }

  #load(opcode: number, d: number, s: number, offset: number): void {
    if ((opcode & 0xe0) !== BPF_MEM) throw new Fault("is no instruction");
    const { registers: r, memory } = this;
    const bytes = accessBytes(opcode);
    const at = memory.at(r[s + 1]!, r[s]! + offset, bytes, false);
    if (memory.region === this.context?.region && this.context!.loadAddress(r, d, at, bytes)) return;
    const view = memory.view;
    r[d + 1] = bytes === 8 ? view.getUint32(at + 4, true) : 0;
    r[d] = bytes === 1 ? view.getUint8(at) : bytes === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
  }

  #store(opcode: number, d: number, s: number, offset: number, operation: number): void {
    const { registers: r, memory } = this;
    const bytes = accessBytes(opcode);
    const mode = opcode & 0xe0;
    if (mode !== BPF_MEM && (mode !== BPF_ATOMIC || bytes < 4)) throw new Fault("is no instruction");
    const at = memory.at(r[d + 1]!, r[d]! + offset, bytes, true);
    const view = memory.view;
    if (memory.region === this.context?.region) this.context!.expectWritable(at);
    if (mode === BPF_ATOMIC) return atomic(r, operation, s, view, at, bytes);
    if (bytes === 1) view.setUint8(at, r[s]!);
    else if (bytes === 2) view.setUint16(at, r[s]!, true);
    else view.setUint32(at, r[s]!, true);
    if (bytes === 8) view.setUint32(at + 4, r[s + 1]!, true);
  }

  #callHelper(id: number): void {
    const helper = helpers[id];
    if (helper === undefined) throw new Fault(`${helperName(id)}() is not among the helpers that the machine has`);
    const { type } = this.program!.spec;
    if (!helper.programs.includes(type)) throw new Fault(`${helper.name}() is for programs of type ${helper.programs.join(" or ")}; this is ${type}`);
    const result = helper.call(this);
    this.registers.fill(POISON, R1, R6);
    if (this.tailCallTarget !== undefined) return this.setPointer(1, this.context!.region);
    if (typeof result === "number") setNumber(this.registers, R0, result);
    else if (typeof result === "bigint") set64(this.registers, R0, result);
    else if (result === undefined) setNumber(this.registers, R0, 0);
    else this.setPointer(0, result);
  }

  /** A new frame: the caller, of which `next` is the instruction to go on with, gets its own back from #leave(). */
  #enter(caller: LoadedProgram, next: number): void {
    if (this.#depth + 1 === FRAMES_MAX) throw new Fault(`calls a function from the ${FRAMES_MAX}th frame, the last that the kernel allows`);
    const frame = this.#frames[++this.#depth]!;
    frame.program = caller;
    frame.next = next;
    frame.saved.set(this.registers.subarray(R6, R10 + 2));
    new Uint8Array(frame.stack.view.buffer).fill(POISON_BYTE);
    this.memory.idOf(frame.stack);
    this.registers[R10] = ORIGIN + MAX_BPF_STACK;
    this.registers[R10 + 1] = frame.stack.id;
  }

  #leave(): Frame {
    const frame = this.#frames[this.#depth--]!;
    this.memory.retire(frame.stack, deadFrame);
    this.registers.set(frame.saved, R6);
    this.registers.fill(POISON, R1, R6);
    return frame;
  }
}
