// What lowering carries along: one ProgramLowering a compilation, one FunctionLowering for each function of the program
// that is being built, one Frame for each function of the source that is being inlined into it.

import type { ProgramType } from "#ebpf/spec.js";
import type { Diagnostics } from "../diagnostics.js";
import { Refusal, refuse } from "../diagnostics.js";
import type { DiagnosticCode } from "../diagnostic-codes.js";
import type { Block, Instruction, IrFunction, Space, Span } from "../ir.js";
import type { ModuleFunction } from "../module.js";
import type { Node } from "../syntax.js";
import { assignedNames, spanOf, textOf } from "../syntax.js";
import type { AnyStruct, Scalar, Type } from "../types.js";
import type { OpenEnd } from "./flow.js";
import { Flow } from "./flow.js";
import { LocalStruct } from "./local-struct.js";
import type { Maps } from "./program-maps.js";
import type { Memory, Operand } from "./operand.js";
import { SlotPool } from "./slot-pool.js";
import type { Variable } from "./ssa.js";

export interface ProgramLowering {
  readonly type: ProgramType;
  readonly diagnostics: Diagnostics;
  /** The program's functions so far; the entry is the first. */
  readonly functions: IrFunction[];
  readonly subprograms: Map<ModuleFunction["node"], IrFunction>;
  /** Those after whose call views of the packet are stale. */
  readonly movesPacket: Set<IrFunction>;
  readonly maps: Maps;
}

export type Binding =
  | { readonly kind: "operand"; readonly operand: Operand }
  | { readonly kind: "scalar"; readonly type: Scalar; readonly variable: Variable }
  | { readonly kind: "view"; readonly struct: AnyStruct; readonly pointer: Variable; readonly present: Variable | undefined }
  /** Its declaration was refused: uses are refused without another word. */
  | { readonly kind: "refused" };

export interface Scope {
  readonly bindings: Map<string, Binding>;
  /** Structs that were made in it. */
  readonly locals: Set<LocalStruct>;
  readonly outer: Scope | undefined;
}

const newScope = (outer?: Scope): Scope => ({ bindings: new Map(), locals: new Set(), outer });

/** Where `return` leads: out of the function, to a join after the call, or straight to the sides of a condition. */
export type Returns =
  | { readonly kind: "function" }
  | { readonly kind: "join"; readonly sites: { readonly end: OpenEnd; readonly operand: Operand }[] }
  | { readonly kind: "condition"; readonly ifTrue: Block; readonly ifFalse: Block };

export interface Frame {
  readonly function: ModuleFunction;
  readonly result: Type;
  readonly returns: Returns;
  readonly assigned: ReadonlySet<string>;
  readonly caller: Frame | undefined;
  scope: Scope;
  /** Innermost last. A switch has no `onContinue`. */
  readonly jumps: { readonly onBreak: Block; readonly onContinue: Block | undefined }[];
}

interface Loop {
  readonly bornBefore: number;
  readonly uses: { readonly view: Memory; readonly span: Span }[];
}

export class FunctionLowering {
  readonly flow: Flow;
  readonly slots: SlotPool;
  frame: Frame;
  /** A helper that it calls moves the packet. */
  movesPacket = false;
  readonly loops: Loop[] = [];
  /** What is known of pointers. */
  readonly #memory = new Map<Instruction, Memory>();
  #born = 0;

  constructor(readonly program: ProgramLowering, readonly ir: IrFunction, readonly source: ModuleFunction, result: Type,
    /** Subprograms and entry that are being lowered around this one. */
    readonly active: readonly ModuleFunction[]) {
    this.flow = new Flow(ir);
    this.slots = new SlotPool(ir);
    this.frame = newFrame(source, result, { kind: "function" }, undefined);
  }

  get builder() {
    return this.flow.builder;
  }

  /** A node of the function that is being lowered. */
  span(node: Node): Span {
    return spanOf(this.frame.function.module.file, node);
  }

  text(node: Node): string {
    return textOf(this.frame.function.module.file, node);
  }

  refuse(node: Node, code: DiagnosticCode, message: string, remedy: string): never {
    return refuse(this.span(node), code, message, remedy);
  }

  /** For what follows from a mistake that was reported already. */
  refuseAgain(): never {
    throw new Refusal(undefined);
  }

  /** Memory behind a new pointer. */
  memory(pointer: Instruction, space: Space): Memory {
    const memory: Memory = { kind: "memory", pointer, space, epoch: space === "packet" ? this.flow.epoch : undefined, born: this.#born++ };
    this.#memory.set(pointer, memory);
    return memory;
  }

  /** A pointer into memory that is known under another. */
  adopt(pointer: Instruction, within: Memory): void {
    this.#memory.set(pointer, { ...within, pointer });
  }

  /** Memory behind a pointer that was read from a variable: where several meet, only what they have in common. */
  memoryBehind(pointer: Instruction): Memory {
    const known = this.#memory.get(pointer);
    if (known !== undefined) return known;
    const origins = this.#origins(pointer, new Set());
    const [first, ...others] = origins ?? [];
    if (first === undefined) return this.memory(pointer, "unknown");
    const space = others.every((other) => other.space === first.space) ? first.space : "unknown";
    // Of several views of the packet the oldest decides whether all are fresh.
    const epochs = [first, ...others].flatMap(({ epoch }) => epoch ?? []);
    const epoch = epochs.length === 0 ? undefined : Math.min(...epochs);
    return { kind: "memory", pointer, space, epoch, born: Math.min(first.born, ...others.map(({ born }) => born)) };
  }

  /** Undefined when not all are known yet. */
  #origins(pointer: Instruction, seen: Set<Instruction>): Memory[] | undefined {
    if (seen.has(pointer) || pointer.op === "constant") return [];
    seen.add(pointer);
    const known = this.#memory.get(pointer);
    if (known !== undefined) return [known];
    if (pointer.op !== "phi" || pointer.args.length !== pointer.block.predecessors.length) return undefined;
    const found: Memory[] = [];
    for (const arg of pointer.args) {
      const origins = this.#origins(this.flow.variables.resolve(arg), seen);
      if (origins === undefined) return undefined;
      found.push(...origins);
    }
    return found;
  }

  newLocal(struct: AnyStruct): LocalStruct {
    const local = new LocalStruct(struct, this.flow, this.slots, this.#born++);
    this.frame.scope.locals.add(local);
    return local;
  }

  /** A struct is returned from the function that made it: it lives on in the caller's scope. */
  handToCaller(local: LocalStruct): void {
    for (let scope: Scope | undefined = this.frame.scope; scope !== undefined; scope = scope.outer) {
      if (scope.locals.delete(local)) this.frame.caller?.scope.locals.add(local);
    }
  }

  /** A pointer to a local struct that outlives the expression. */
  escape(local: LocalStruct, span: Span): Instruction {
    if (this.loops.some(({ bornBefore }) => local.born < bornBefore)) {
      refuse(span, "address", `the struct ${local.struct.name} from make() gets another name in a loop that began after it`,
        "call make() inside the loop, or use the struct under its first name");
    }
    return local.escape();
  }

  beginLoop(): void {
    this.loops.push({ bornBefore: this.#born, uses: [] });
  }

  /** A view from before a loop in which the packet moves is stale from the second round on. */
  endLoop(packetMoves: boolean): void {
    const { uses } = this.loops.pop()!;
    for (const { span } of packetMoves ? uses : []) this.program.diagnostics.report({ ...staleView, span });
  }

  /** To be called at each access through a view. */
  checkFresh(view: Memory, span: Span): void {
    if (view.epoch === undefined) return;
    if (view.epoch !== this.flow.epoch) refuse(span, staleView.code, staleView.message, staleView.remedy);
    for (const loop of this.loops) if (view.born < loop.bornBefore) loop.uses.push({ view, span });
  }

  packetMoved(): void {
    this.movesPacket = true;
    this.flow.packetMoved();
  }

  /** The functions that are being lowered, outermost first. */
  callChain(): ModuleFunction[] {
    const frames: ModuleFunction[] = [];
    for (let frame: Frame | undefined = this.frame; frame !== undefined; frame = frame.caller) frames.unshift(frame.function);
    return [...this.active, ...frames];
  }

  // --- Scopes ---

  inScope<T>(work: () => T): T {
    const { frame } = this;
    const outer = frame.scope;
    frame.scope = newScope(outer);
    try {
      return work();
    } finally {
      leaveScope(frame.scope);
      frame.scope = outer;
    }
  }

  /** Runs `work` in a frame of its own for an inlined function. */
  inFrame<T>(frame: Frame, work: () => T): T {
    const caller = this.frame;
    this.frame = frame;
    try {
      return work();
    } finally {
      leaveScope(frame.scope);
      this.frame = caller;
    }
  }

  bind(name: string, binding: Binding): void {
    this.frame.scope.bindings.set(name, binding);
  }

  lookup(name: string): Binding | undefined {
    for (let scope: Scope | undefined = this.frame.scope; scope !== undefined; scope = scope.outer) {
      const binding = scope.bindings.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }
}

export function newFrame(fn: ModuleFunction, result: Type, returns: Returns, caller: Frame | undefined): Frame {
  return { function: fn, result, returns, caller, assigned: assignedNames(fn.node), scope: newScope(), jumps: [] };
}

function leaveScope({ locals }: Scope): void {
  for (const local of locals) local.release();
}

const staleView = {
  code: "stale-view",
  message: "this view of the packet is stale: a helper has moved the packet since",
  remedy: "ask for the view again after the helper: packet.view(Struct, offset)",
} as const;
