// The scripts by shell and program.

import type { Command } from "commander";
import { bashCompletion } from "./bash.js";
import { fishCompletion } from "./fish.js";
import type { Grammar } from "./grammar.js";
import { ipvsadmGrammar, weirGrammar } from "./grammar.js";
import { zshCompletion } from "./zsh.js";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];
export const COMPLETED = ["weir", "ipvsadm"] as const;
export type Completed = (typeof COMPLETED)[number];

export function completionScript(shell: Shell, name: Completed, program: Command): string {
  return SCRIPTS[shell](name === "weir" ? weirGrammar(program) : ipvsadmGrammar());
}

const SCRIPTS: { readonly [shell in Shell]: (grammar: Grammar) => string } = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
