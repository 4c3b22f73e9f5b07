import assert from "node:assert/strict";
import { test } from "node:test";
import { stripTypes } from "./strip-types.js";

const cases: { readonly [sentence: string]: readonly [source: string, javaScript: string] } = {
  "annotations": ["function f(a: u32, b: View<typeof S> | null): i32 { let n: u64 = 1n; }", "function f(a, b) { let n = 1n; }"],
  "casts": ["x = (a as number as Kind) + b! + (c satisfies u32);", "x = (a) + b + (c);"],
  "types of the module": ["type A = { b: 1 };\ninterface B { c: u32 }\nconst d = 1;", "const d = 1;"],
  "imports of types": [`import type { A } from "a";\nimport { type B, c, type D } from "b";`, `import { c, } from "b";`],
  "exports of types": [`export type A = u32;\nexport { b };\nexport type { C };`, `export { b };`],
  "type arguments": ["const k = distinct<Kind>(1); function g<T>(a: T) { }", "const k = distinct(1); function g(a) { }"],
};

const squeezed = (text: string): string => text.replace(/\s+/g, " ").replace(/ (?=[,;()])/g, "").replace(/\( /g, "(").trim();

for (const [sentence, [source, javaScript]] of Object.entries(cases)) {
  test(`blanks out ${sentence}, and moves nothing`, () => {
    const stripped = stripTypes(source);
    assert.equal(stripped.length, source.length);
    assert.equal(squeezed(stripped), squeezed(javaScript));
  });
}
