// A program of the build, not of weir: writes the manual pages into man/ ("pages"), or the tables of keys into
// docs/configuration.md ("tables"). Files that are as they should be are not touched.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProgram } from "../commands.js";
import { withKeyTables } from "./config-page.js";
import { PAGE_NAMES, manualPage } from "./pages.js";

// Compiled, this file is dist/cli/weir/manual/write.js.
const path = (file: string): string => fileURLToPath(new URL(`../../../../${file}`, import.meta.url));

if (process.argv[2] === "tables") {
  const document = path("docs/configuration.md");
  writeChanged(document, withKeyTables(readFileSync(document, "utf8")));
} else {
  mkdirSync(path("man"), { recursive: true });
  for (const name of PAGE_NAMES) {
    const { file, text } = manualPage(name, createProgram());
    writeChanged(path(`man/${file}`), text);
  }
}

function writeChanged(file: string, text: string): void {
  if (read(file) !== text) writeFileSync(file, text);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
