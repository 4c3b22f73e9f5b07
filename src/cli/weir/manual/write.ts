// A program of the build, not of weir: writes the manual's pages into man/ ("manual"), or what is written for us of docs/
// ("documents"): the tables of keys in configuration.md, and weir.schema.json. Files that are as they should be are not touched.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configJsonSchema } from "#model/config/json-schema.js";
import { createProgram } from "../commands.js";
import { withKeyTables } from "./config-page.js";
import { PAGE_NAMES, manualPage } from "./pages.js";

// Compiled, this file is dist/cli/weir/manual/write.js.
const path = (file: string): string => fileURLToPath(new URL(`../../../../${file}`, import.meta.url));

if (process.argv[2] === "documents") {
  const document = path("docs/configuration.md");
  writeChanged(document, withKeyTables(readFileSync(document, "utf8")));
  writeChanged(path("docs/weir.schema.json"), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
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
