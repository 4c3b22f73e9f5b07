// Texts that are nearly right: words and lines taken away, doubled, mixed and changed, and what editors, shells and other programs put into files.

import type { Random } from "../packets/random.js";

const NUMBERS = [0, 1, -1, 6, 64, 128, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 0.5, 1e308];
const SPLINTERS = [
  "", "{", "}", "[", "]", '"', "'", "\\", "$", "#", " x", "-1", ":", ": ", "- ", "\t", "\r", "\0", "\ufeff", "💥", "\ud800", "&a ", "*a", "!!binary ", "<<: ", "? ", "| ", "%", "${NAME}", "${", "~",
  "__proto__", "constructor", "a".repeat(300), "[".repeat(200), "- ".repeat(200),
];

/** `others`: texts of the kind, to take lines from. */
export function mutate(text: string, others: readonly string[], random: Random): string {
  const lines = text.split("\n");
  for (let i = 1 + random.below(3); i > 0; i--) {
    const at = random.below(lines.length);
    const line = lines[at]!;
    switch (random.below(7)) {
      case 0: lines.splice(at, 1, ""); break;
      case 1: lines.splice(at, 0, line); break;
      case 2: lines[at] = random.pick(random.pick(others).split("\n")); break;
      case 3: lines[at] = line.replace(/\S+(?=\s*$)/, () => random.pick(random.pick(others).split(/\s+/))); break;
      case 4: lines[at] = line.replace(/\d+/, String(random.pick(NUMBERS))); break;
      case 5: lines[at] = `${" ".repeat(random.below(8))}${line.trimStart()}`; break;
      default: lines[at] = line.slice(0, random.below(line.length + 1)) + random.pick(SPLINTERS) + line.slice(random.below(line.length + 1));
    }
  }
  return lines.join(random.percent(3) ? "\r\n" : "\n");
}
