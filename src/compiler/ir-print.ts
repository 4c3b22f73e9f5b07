// IR as text, for tests and for reading what a pass did:
//
//   function entry(packet: pointer): i32
//     b0:
//       v0 = parameter 0
//       v1 = load32 context v0 + 4
//       branch v5 likely b1 b2

import type { Instruction, IrFunction, IrProgram, Terminator } from "./ir.js";

export function printProgram(program: IrProgram): string {
  return [`program ${program.name} (${program.type})`, ...program.functions.map(printFunction)].join("\n\n") + "\n";
}

export function printFunction(fn: IrFunction): string {
  const parameters = fn.parameters.map(({ name, type }) => `${name}: ${type}`).join(", ");
  const lines = [`function ${fn.name}(${parameters}): ${fn.returnType}`];
  for (const slot of fn.slots) lines.push(`  slot s${slot.id} ${slot.name}: ${slot.size} bytes`);
  for (const block of fn.blocks) {
    const from = block.predecessors.map(({ id }) => `b${id}`).join(" ");
    lines.push(`  b${block.id}:${block.unlikely ? " (unlikely)" : ""}${from === "" ? "" : ` ; from ${from}`}`);
    for (const instruction of block.instructions) lines.push(`    ${printInstruction(instruction)}`);
    lines.push(`    ${printTerminator(block.terminator)}`);
  }
  return lines.join("\n");
}

const name = (value: Instruction): string => `v${value.id}`;

export function printInstruction(instruction: Instruction): string {
  const result = instruction.type === "void" ? "" : `${name(instruction)} = `;
  return result + operation(instruction);
}

function operation(instruction: Instruction): string {
  const args = instruction.args.map(name).join(" ");
  const plus = "offset" in instruction && instruction.offset !== 0 ? ` + ${instruction.offset}` : "";
  switch (instruction.op) {
    case "constant": return `${instruction.type} ${instruction.value}`;
    case "parameter": return `parameter ${instruction.index}`;
    case "mapReference": return `map ${instruction.map.name}`;
    case "mapValue": return `mapValue ${instruction.map.name}${plus}`;
    case "mapBank": return `mapBank ${instruction.map.name} ${args}`;
    case "functionReference": return `function ${instruction.callee.name}`;
    case "stackAddress": return `stackAddress s${instruction.slot.id}`;
    case "binary": return `${instruction.operator}.${instruction.type} ${args}`;
    case "byteSwap": return `byteSwap${instruction.bits} ${args}`;
    case "pointerAdd": return `pointerAdd ${args}${plus}`;
    case "load": return `load${instruction.bits} ${instruction.space} ${args}${plus}`;
    case "store": return `store${instruction.bits} ${instruction.space} ${name(instruction.args[0])}${plus}, ${name(instruction.args[1])}`;
    case "atomic": {
      const [pointer, ...values] = instruction.args.map(name);
      return `atomic${instruction.bits} ${instruction.operator} ${pointer}${plus}, ${values.join(" ")}`;
    }
    case "callHelper": return `${instruction.helper.helper}(${args})`;
    case "callFunction": return `call ${instruction.callee.name}(${args})`;
    case "compare": return `compare ${instruction.predicate} ${args}`;
    case "phi": return `phi ${instruction.args.map((arg, i) => `b${instruction.block.predecessors[i]?.id}: ${name(arg)}`).join(", ")}`;
    case "zeroExtend": case "signExtend": case "truncate": case "boolToInt": case "pointerDifference":
      return `${instruction.op} ${args}`;
  }
}

function printTerminator(terminator: Terminator | undefined): string {
  if (terminator === undefined) return "(open)";
  if (terminator.op === "jump") return `jump b${terminator.target.id}`;
  if (terminator.op === "return") return terminator.value === undefined ? "return" : `return ${name(terminator.value)}`;
  const hint = terminator.likely === undefined ? "" : terminator.likely ? " likely" : " unlikely";
  return `branch ${name(terminator.condition)}${hint} b${terminator.ifTrue.id} b${terminator.ifFalse.id}`;
}
