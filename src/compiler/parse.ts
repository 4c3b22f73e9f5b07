// Text to syntax tree. The parser is oxc's; a syntax error becomes a diagnostic of ours.

import { parseSync } from "oxc-parser";
import { CompileError } from "./diagnostics.js";
import type { SourceFile } from "./ir.js";
import type { Program } from "./syntax.js";

export function parse(file: SourceFile): Program {
  const result = parseSync(file.path, file.text, { lang: "ts", sourceType: "module", preserveParens: false });
  if (result.errors.length === 0) return result.program;
  throw new CompileError(result.errors.map(({ message, labels, helpMessage }) => {
    const { start = 0, end = 1 } = labels[0] ?? {};
    return { code: "syntax", message, remedy: helpMessage ?? "correct the syntax", span: { file, start, end } } as const;
  }));
}
