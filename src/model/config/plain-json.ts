// JSON as programs write it, which is YAML too: the daemon is sent a configuration so. The whole language takes fifty times as long for it as
// JSON.parse(). What YAML would read otherwise, or refuse, is left to that, as plain-yaml.ts has it.

import { DEPTH_MAX, PLAIN_TEXT } from "./plain-yaml.js";

/** What YAML takes for more than a word: escapes are its own, variables the environment's, and these keys are no keys of anything. */
const MORE = /\\|\$\{|"<<"|"__proto__"/;
/** All strings of a text that is JSON, one after another; behind a key there is a colon, and not everywhere is YAML content with blanks before it. */
const STRING = /"[^"]*"(:?)/g;
/** YAML 1.2, section 7.4.2: a key has at most 1024 characters. */
const KEY_LENGTH_MAX = 1000;

/** The text as plain values; undefined where it is no JSON, or not so plain. */
export function readPlainJson(text: string): unknown {
  if (!/^ *[{[]/.test(text) || !PLAIN_TEXT.test(text) || MORE.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  let keys = 0;
  for (const [, colon] of text.matchAll(STRING)) if (colon !== "") keys++;
  // A key that stands twice in one mapping is a mistake, and JSON.parse() keeps one of them.
  return countKeys(value, 0) === keys ? value : undefined;
}

/** Of all mappings in it; NaN where one of them, or how deep they stand in each other, is none of a configuration's. */
function countKeys(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth > DEPTH_MAX) return NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const inner of value) count += countKeys(inner, depth + 1);
    return count;
  }
  for (const [key, inner] of Object.entries(value)) count += (key.length > KEY_LENGTH_MAX ? NaN : 1) + countKeys(inner, depth + 1);
  return count;
}
