// Programs of several modules, from files that are nobody's but the test's.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Machine } from "#ebpf/machine.js";
import type { CompileOptions } from "./compile.js";
import { compile } from "./compile.js";
import { CompileError } from "./diagnostics.js";

const folder = mkdtempSync(join(tmpdir(), "weir-loader-"));
after(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function verdictOf(source: string, options: Partial<CompileOptions> = {}): Promise<number> {
  const spec = await compile({ source, function: "entry", type: "xdp", ...options });
  const machine = new Machine();
  return machine.run(machine.load(spec), new Uint8Array(64)).verdict;
}

write("limits.ts", `
import type { u32 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { u32 as U32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
export const LIMIT = 7;
export const Pair = struct("Pair", { low: U32, high: U32 });
export type Pair = View<typeof Pair>;
const hidden = struct("Hidden", { value: u8 });
const scale = factor(3);
function factor(n: u32): u32 { return n * LIMIT; }
export function scaled(n: u32): u32 { return n * scale + hidden.size; }
export function sum(pair: Pair): u32 { return pair.low + pair.high; }
`);
write("names.ts", `export { scaled as times, LIMIT } from "./limits.js"; export * from "./more.js";`);
write("more.ts", `import type { u32 } from "#layout/numbers.js"; export function one(): u32 { return 1; }`);

const entry = write("entry.ts", `
import type { i32 } from "#layout/numbers.js";
import type { Packet } from "#prelude/packet.js";
import { make } from "#prelude/intrinsics.js";
import { Pair, sum as total } from "./limits.js";
import { LIMIT as MOST, one, times } from "./names.js";
export const MODE: number = 0;
export function entry(packet: Packet): i32 {
  const pair = make(Pair, { low: 1000, high: one() });
  if (MODE === 1) return MOST;
  return times(2) + total(pair);
}`);

test("functions, structs and constants come from other modules, renamed and handed on", async () => {
  assert.equal(await verdictOf(entry), 2 * 3 * 7 + 1 + 1001);
});

test("define overrides an exported constant of any module, also in what is derived from it", async () => {
  assert.equal(await verdictOf(entry, { define: { MODE: 1, LIMIT: 9 } }), 9);
  assert.equal(await verdictOf(entry, { define: { LIMIT: 9 } }), 2 * 3 * 9 + 1 + 1001);
});

test("a map takes the number of entries that the compilation names", async () => {
  const source = write("tables.ts", `
import { u32, type i32 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import type { Packet } from "#prelude/packet.js";
import { hashMap, table } from "#prelude/maps.js";
const Row = struct("Row", { value: u32 });
export const rows = table("rows", Row, 8);
export const other = table("rows", struct("Other", { value: u32 }), 8);
const small = hashMap("small", Row, Row, 4);
export function entry(packet: Packet): i32 {
  rows.at(9).value = 5;
  const row = small.lookup(rows.at(9));
  if (row !== null) return 1;
  return rows.tableEntries + other.at(9).value;
}`);
  assert.equal(await verdictOf(source), 13);
  assert.equal(await verdictOf(source, { tables: { rows: 64 } }), 69);
  const spec = await compile({ source, function: "entry", type: "xdp", tables: { rows: 64, small: 1000 } });
  assert.deepEqual(spec.maps.map(({ name, valueSize, maxEntries }) => [name, valueSize, maxEntries]).sort(), [["rows", 256, 1], ["small", 4, 1000]]);
  await assert.rejects(compile({ source, function: "entry", type: "xdp", tables: { rows: 65 } }), /table rows cannot have 65 entries: a power of two is needed/);
});

test("an import that leads nowhere is shown where it stands", async () => {
  const source = write("lost.ts", `import { a } from "./nowhere.js";\nexport function entry(): i32 { return a; }`);
  await assert.rejects(compile({ source, function: "entry", type: "xdp" }), (error) => {
    assert.ok(error instanceof CompileError);
    assert.match(error.message, /^lost\.ts:1:20: error\[module-missing\]: no source of module "\.\/nowhere\.js" was found/);
    return true;
  });
});

test("a file that is not there is refused by name", async () => {
  await assert.rejects(compile({ source: join(folder, "absent.ts"), function: "entry", type: "xdp" }), /Cannot compile .*absent\.ts: there is no such \.ts file/);
});
