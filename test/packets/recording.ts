// The recordings of the real IPVS in test/recordings, read as data.

import { readFileSync } from "node:fs";

// Compiled, this file is dist/out/test/packets/recording.js; the recordings stay where they are.
const folder = new URL("../../../../test/recordings/", import.meta.url);

/** Lines that are not empty. */
export function linesOf(file: string): readonly string[] {
  return readFileSync(new URL(file, folder), "utf8").split("\n").filter((line) => line.trim() !== "");
}

/** The lines below "## <title>…" up to the next title. */
export function section(file: string, title: string): readonly string[] {
  const lines = linesOf(file);
  const start = lines.findIndex((line) => line.startsWith(`## ${title}`));
  if (start < 0) throw new Error(`Cannot read the recording ${file}: it has no section "${title}"`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.startsWith("## "));
  return end < 0 ? rest : rest.slice(0, end);
}
