// What `include` of a configuration names: a file, or with a pattern as its last part the files of a folder, in the order of their names.

import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { hasWildcards, wildcardExpression } from "#convert/glob.js";
import type { ReadIncluded } from "#model/config/include.js";

export const readIncluded: ReadIncluded = (pattern, from) => {
  const path = isAbsolute(pattern) || from === "-" ? pattern : join(dirname(from), pattern);
  return filesOf(path).map((file) => ({ file, text: readOne(file) }));
};

/** Of a pattern there may be none: a folder for later is there before its first file. */
function filesOf(path: string): readonly string[] {
  const [folder, name] = [dirname(path), basename(path)];
  if (!hasWildcards(name)) return [path];
  const expression = wildcardExpression(name);
  return attempt(folder, () => readdirSync(folder)).filter((entry) => expression.test(entry)).sort().map((entry) => join(folder, entry));
}

const readOne = (file: string): string => attempt(file, () => readFileSync(file, "utf8"));

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = { ENOENT: "there is no such file", EACCES: "no permission to read it", EISDIR: "it is a folder; name its files, with * for all", ENOTDIR: "what should be a folder is none" };
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`cannot include ${path}: ${why[code as keyof typeof why] ?? message}`);
  }
}
