// Reads recordings of the real ipvsadm: commands, what each printed, and its exit status.
//
//   $ ipvsadm -A -t '10.0.0.100:80 '      a comment after three blanks is dropped
//   in| a line of standard input
//   out| a line of stdout                  err| a line of stderr
//   [exit 2]                               absent: 0
//
// Recordings in which the streams are merged have the lines as they are.

import { readFileSync } from "node:fs";

export interface Recorded {
  readonly line: number;
  readonly command: string;
  readonly input: string;
  /** Stdout and stderr, each with its mark where the recording tells them apart. */
  readonly printed: string;
  readonly status: number;
}

export function readTranscript(name: string): Recorded[] {
  const lines = readFileSync(new URL(`../../../../test/recordings/ipvsadm/${name}`, import.meta.url), "utf8").split("\n");
  const commands: Recorded[] = [];
  let current: { line: number; command: string; input: string; printed: string; status: number } | undefined;
  for (const [i, line] of lines.entries()) {
    if (line.startsWith("$ ipvsadm")) {
      current = { line: i + 1, command: line.slice(2), input: "", printed: "", status: 0 };
      commands.push(current);
    } else if (line.startsWith("## ") || line.startsWith("# ")) {
      dropBlankLines(current);
      current = undefined;
    } else if (current !== undefined) {
      const exit = /^\[exit (\d+)\]$/.exec(line);
      if (line.startsWith("in| ")) current.input += `${line.slice(4)}\n`;
      else if (exit === null) current.printed += `${line}\n`;
      else {
        current.status = Number(exit[1]);
        current = undefined;
      }
    }
  }
  dropBlankLines(current);
  return commands;
}

/** What stands between a command without a status and the next section is no output of it. */
function dropBlankLines(recorded: { printed: string } | undefined): void {
  if (recorded !== undefined) recorded.printed = recorded.printed.replace(/^\n+$/, "");
}

/** Words as a shell splits them; only single quotes are used. */
export function splitWords(command: string): string[] {
  const words = command.replace(/ {3}\(.*\)$/, "").match(/(?:'[^']*'|[^ '])+/g) ?? [];
  return words.map((word) => word.replaceAll("'", ""));
}
