// The recordings of the real IPVS in test/recordings, read as data.

import { readFileSync } from "node:fs";

// Compiled, this file is dist/out/test/packets/recording.js; the recordings stay where they are.
const folder = new URL("../../../../test/recordings/", import.meta.url);

/** The lines below "## <title>…" up to the next title. */
export function section(file: string, title: string): readonly string[] {
  const text = readFileSync(new URL(file, folder), "utf8");
  const found = text.split(/^## /m).find((part) => part.startsWith(title));
  if (found === undefined) throw new Error(`Cannot read the recording ${file}: it has no section "${title}"`);
  return found.split("\n").slice(1).filter((line) => line.trim() !== "");
}
