// What the compiler says of mistakes: each case is a program's text, and the first line of each message with its carets.

import assert from "node:assert/strict";
import { test } from "node:test";
import { array, struct } from "#layout/struct.js";
import { Be16, Be32, distinct, i32, u16, u32, u64, u8 } from "#layout/numbers.js";
import type { ProgramType } from "#ebpf/spec.js";
import { Timer } from "#prelude/helpers.js";
import { arrayMap, hashMap, programArray, ringBuffer, table } from "#prelude/maps.js";
import { language } from "./both-ways.js";
import { compileText } from "./compile.js";
import { diagnosticCodes } from "./diagnostic-codes.js";
import { CompileError } from "./diagnostics.js";

const Kind = distinct<never>("Kind", u8);
const Header = struct("Header", { kind: Kind, ttl: u8, port: Be16, address: Be32, mac: array(u8, 6), pad: u16, words: array(u32, 4), count: u32, signed: i32, wide: u64 });
const Odd = struct("Odd", { first: u8, second: u32 }, { packed: true });
const Key = struct("Key", { address: Be32 });
const Value = struct("Value", { packets: u64, small: u16, cells: array(u32, 3), timer: Timer });
const live = {
  ...language, Header, Odd, Key, Value, Kind,
  values: hashMap("values", Key, Value, 8), list: arrayMap("list", Value, 8), rows: table("rows", Value, 8), wrong: table("rows", Key, 8),
  programs: programArray("programs", 4), events: ringBuffer("events", 4096), numbersByKey: hashMap("numbersByKey", Key, u32, 8),
  HALF: 0.5, LIST: [1, 2, 3],
};

interface Mistake {
  /** A whole text, or the statements of an entry in which `h` is a Header of the packet. */
  readonly source?: string;
  readonly body?: string;
  /** Default: "xdp". */
  readonly type?: ProgramType;
  /** "code | what is underlined | message", one for each diagnostic. */
  readonly says: readonly string[];
}

const mistakes: { readonly [sentence: string]: Mistake } = {
  "a syntax error": { source: "function entry(packet: Packet): i32 { return 1 +; }", says: ["syntax | ; | Unexpected token"] },
  "no entry of that name": { source: "function other(packet: Packet): i32 { return 1; }", says: [`entry-missing | f | the module has no function "entry"`] },
  "an entry that takes something else": { source: "function entry(n: u32): i32 { return 1; }", says: [`entry-signature | entry | "entry" cannot be an entry: it takes the packet, and returns an i32`] },
  "an unknown name": { body: "return missing;", says: [`name-unknown | missing | "missing" is not known here`] },
  "two mistakes at once": { body: "const a = missing; const b = a + 1; const c = alsoMissing;", says: [`name-unknown | missing | "missing" is not known here`, `name-unknown | alsoMissing | "alsoMissing" is not known here`] },
  "an unknown type": { body: "const a: string = 1;", says: [`type-unknown | string | "string" is not a type of kernel TypeScript`] },
  "a type that is itself": { source: "type A = B; type B = A; function entry(packet: Packet): i32 { const a: A = 1; return a; }", says: [`type-unknown | B | "B" is not a type of kernel TypeScript`] },
  "a number without a width": { source: "function entry(packet: Packet): i32 { return f(1); } function f(n: number): i32 { return n; }", says: [`type-unknown | number | "number" has no width`] },
  "a parameter without a type": { source: "function entry(packet: Packet): i32 { return f(1); } function f(n): i32 { return n; }", says: [`annotation-missing | n | the parameter "n" has no type`] },
  "a function without a result type": { source: "function entry(packet: Packet): i32 { return f(1); } function f(n: u32) { return n; }", says: [`annotation-missing | f | the function "f" has no result type`] },
  "a fraction": { body: "const a = HALF + 1;", says: [`type-mismatch | HALF | "HALF" is 0.5, which is no integer`] },
  "a closure": { body: "const f = () => 1;", says: ["not-in-language | () => 1 | closures are not in kernel TypeScript"] },
  "a template string": { body: "const f = `x`;", says: ["not-in-language | `x` | template strings are not in kernel TypeScript"] },
  "new": { body: "const f = new Map();", says: ["not-in-language | new Map() | new is not in kernel TypeScript"] },
  "try": { body: "try { } catch { }", says: ["not-in-language | try { } catch { } | try is not in kernel TypeScript"] },
  "for of": { body: "for (const a of LIST) { }", says: ["not-in-language | for (const a of LIST) { } | for … of is not in kernel TypeScript"] },
  "destructuring": { body: "const { ttl } = h;", says: ["not-in-language | { ttl } | destructuring is not in kernel TypeScript"] },
  "var": { body: "var a = 1;", says: [`not-in-language | var a = 1; | "var" is not in kernel TypeScript`] },
  "==": { body: "if (h.ttl == 1) return 1;", says: [`not-in-language | h.ttl == 1 | "==" converts before it compares`] },
  "optional chaining": { body: "const a = h?.ttl;", says: ["not-in-language | h?.ttl | optional chaining is not in kernel TypeScript"] },
  "an object literal": { body: "const a = { b: 1 };", says: ["not-in-language | { b: 1 } | object literals are not in kernel TypeScript"] },
  "**": { body: "const a = h.ttl ** 2;", says: [`not-in-language | h.ttl ** 2 | the operator "**" is not in kernel TypeScript`] },
  "a number and a bigint": { body: "const a = h.wide + 1;", says: ["number-and-bigint | 1 | a number does not mix with u64: one is a bigint, the other a number"] },
  "a u32 and a u64": { body: "const a = h.count + h.wide;", says: ["number-and-bigint | h.count + h.wide | u32 does not mix with u64: one is a bigint, the other a number"] },
  "a literal for a port": { body: "if (h.port === 80) return 1;", says: ["byte-order | 80 | the literal 80 is not Be16"] },
  "a port and a number": { body: "if (h.port === h.pad) return 1;", says: ["byte-order | h.port === h.pad | Be16 meets u16"] },
  "a port is added to": { body: "const a = h.port + h.port;", says: [`byte-order | h.port + h.port | Be16 does not take "+"`] },
  "a port is compared by size": { body: "if (h.port < be16(1024)) return 1;", says: [`byte-order | h.port < be16(1024) | Be16 does not take "<"`] },
  "a distinct type and a number": { body: "if (h.kind === h.ttl) return 1;", says: ["byte-order | h.kind === h.ttl | Kind meets u8"] },
  "a number is assigned to a port": { body: "h.port = h.pad;", says: ["byte-order | h.pad | u16 is not Be16"] },
  "signed and unsigned": { body: "if (h.signed < h.count) return 1;", says: ["signedness | h.signed < h.count | i32 and u32 compare as signed or as unsigned?"] },
  "signed division": { body: "const a = h.signed / 2;", says: ["signed-division | h.signed / 2 | i32 is signed; eBPF divides unsigned numbers only"] },
  "a literal that is too large": { body: "h.ttl = 300;", says: ["literal-range | 300 | 300 does not fit in u8"] },
  "a number as a condition": { body: "if (h.ttl) return 1;", says: [`not-boolean | h.ttl | a condition must be a boolean; "h.ttl" is u8`] },
  "a view as a condition": { body: "const v = values.lookup(make(Key)); if (v) return 1;", says: [`not-boolean | v | a condition must be a boolean; "v" is View<Value> | null`] },
  "a view without a null test": { body: "const v = packet.view(Key, 20); return i32(u32(v.address));", says: [`may-be-null | v | "v" may be null here`] },
  "a null test on one way only": { body: "const v = values.lookup(make(Key)); if (h.ttl > 1) { if (v === null) return 1; } v.packets = 1n;", says: [`may-be-null | v | "v" may be null here`] },
  "a view that may be null as an argument": { source: "function entry(packet: Packet): i32 { const v = packet.view(Header, 0); return f(v); } function f(h: View<typeof Header>): i32 { return 1; }", says: [`may-be-null | v | "v" may be null here`] },
  "a variable that may be null again": { body: "let v = values.lookup(make(Key)); if (v === null) return 1; v = values.lookup(make(Key)); v.packets = 1n;", says: [`may-be-null | v | "v" may be null here`] },
  "!": { body: "const v = values.lookup(make(Key))!;", says: [`may-be-null | values.lookup(make(Key))! | "!" does not make a view present`] },
  "a stale view": { body: "bpf_xdp_adjust_head(packet, -20); h.ttl = 1;", says: ["stale-view | h.ttl | this view of the packet is stale: a helper has moved the packet since"] },
  "a view that is stale on one way": { body: "if (h.ttl === 1) bpf_xdp_adjust_head(packet, -20); h.ttl = 1;", says: ["stale-view | h.ttl | this view of the packet is stale: a helper has moved the packet since"] },
  "a view that is stale in the second round": { body: "for (let i = 0; i < 20; i++) { h.ttl = 1; bpf_xdp_adjust_head(packet, -20); }", says: ["stale-view | h.ttl | this view of the packet is stale: a helper has moved the packet since"] },
  "an inlined function that moves the packet": { source: "function entry(packet: Packet): i32 { const h = packet.view(Header, 0); if (h === null) return 1; grow(packet); return h.signed; } function grow(packet: Packet): void { bpf_xdp_adjust_tail(packet, 4); }", says: ["stale-view | h.signed | this view of the packet is stale: a helper has moved the packet since"] },
  "a subprogram that moves the packet": { source: `function entry(packet: Packet): i32 { const h = packet.view(Header, 0); if (h === null) return 1; grow(packet); return h.signed; } function grow(packet: Packet): void { "use subprogram"; bpf_xdp_adjust_tail(packet, 4); }`, says: ["stale-view | h.signed | this view of the packet is stale: a helper has moved the packet since"] },
  "a variable that was never assigned": { body: "let a: u32; if (h.ttl > 1) a = 1; return i32(a);", says: [`unassigned | a | "a" may be read before it is assigned`] },
  "a constant is assigned to": { body: "const a = 1; a = 2;", says: [`constant-assigned | a | "a" cannot be assigned to`] },
  "a name of the module is assigned to": { body: "HALF = 2;", says: [`constant-assigned | HALF | "HALF" is not a variable of this function`] },
  "a property of the packet is assigned to": { body: "packet.ifindex = 2;", says: ["constant-assigned | packet.ifindex | packet.ifindex cannot be assigned to"] },
  "an unknown field": { body: "h.tll = 1;", says: [`field-unknown | tll | Header has no field "tll"`] },
  "an unknown field in make()": { body: "const k = make(Key, { adress: h.address });", says: [`field-unknown | adress | Key has no field "adress"`] },
  "an unknown property of the packet": { body: "return i32(packet.mark);", says: [`field-unknown | packet.mark | a packet at xdp has no "mark"`] },
  "a method that a map does not have": { body: "rows.lookup(1);", says: [`field-unknown | rows.lookup(1) | the map "rows" has no method "lookup"`] },
  "an index beyond an array": { body: "h.words[4] = 1;", says: ["index | 4 | there is no element 4 in an array of 4"] },
  "a variable index into an array of three": { body: "rows.at(0).cells[h.ttl] = 1;", says: ["index | h.ttl | a variable index into an array of 3 elements cannot be proven to be in range"] },
  "a variable index into a packet": { body: "h.words[h.ttl] = 1;", says: ["index | h.ttl | a variable index into a packet is not covered by the view's check"] },
  "a variable index into an array of the module": { body: "return LIST[h.ttl];", says: ["not-a-constant | h.ttl | an array of the module has no address: its index must be known when compiling"] },
  "a case that is no constant": { body: "switch (h.ttl) { case h.pad: return 1; }", says: [`not-a-constant | h.pad | "h.pad" is not known when compiling`] },
  "a case that falls through": { body: "switch (h.ttl) { case 1: h.ttl = 2; case 2: return 1; }", says: ["switch-case | 1 | this case falls through to the next"] },
  "a case that stands twice": { body: "switch (h.ttl) { case 1: return 1; case 1: return 2; }", says: [`switch-case | 1 | "1" stands here twice`] },
  "recursion": { source: "function entry(packet: Packet): i32 { return a(1); } function a(n: u32): i32 { return b(n); } function b(n: u32): i32 { return a(n); }", says: ["recursion | a(n) | recursion is not in kernel TypeScript: a → b → a"] },
  "recursion of a subprogram": { source: `function entry(packet: Packet): i32 { return a(1); } function a(n: u32): i32 { "use subprogram"; return a(n); }`, says: ["recursion | a(n) | recursion is not in kernel TypeScript: a → a"] },
  "a subprogram with six parameters": { source: `function entry(packet: Packet): i32 { return a(1, 2, 3, 4, 5, 6); } function a(n: u32, o: u32, p: u32, q: u32, r: u32, s: u32): i32 { "use subprogram"; return 1; }`, says: [`subprogram | a(1, 2, 3, 4, 5, 6) | "a" has 6 parameters; a subprogram has at most 5`] },
  "a subprogram that takes null": { source: `function entry(packet: Packet): i32 { return a(null); } function a(h: View<typeof Header> | null): i32 { "use subprogram"; return 1; }`, says: [`subprogram | a(null) | "a" takes or gives a view that may be null, or an array`] },
  "too few arguments": { body: "const a = packet.view(Header);", says: ["arguments | packet.view(Header) | view() takes 2 arguments; here are 1"] },
  "more bytes than there are": { body: "const k = make(Key); bpf_csum_diff(k, 8, k, 4, 0);", says: [`arguments | 8 | 8 bytes are more than the 4 of "k"`] },
  "a size that varies": { body: "const k = make(Key); bpf_csum_diff(k, h.ttl, k, 4, 0);", says: ["not-a-constant | h.ttl | bpf_csum_diff() needs a size here that is known when compiling"] },
  "a size that varies, of memory that no mask fits": { body: "bpf_skb_load_bytes(packet, 0, rows.at(0).cells, h.ttl);", type: "tc", says: [
    "not-a-constant | h.ttl | bpf_skb_load_bytes() takes a size that varies only for memory of a power of two of bytes",
  ] },
  "a call of something else": { body: "h.ttl(1);", says: [`not-callable | h.ttl | "h" has no method "ttl"`] },
  "a call of a host's function": { body: "struct(1);", says: [`not-callable | struct | "struct" is no function of kernel TypeScript`] },
  "a helper of another hook": { body: "bpf_skb_pull_data(packet, 20);", says: ["helper-unavailable | bpf_skb_pull_data(packet, 20) | bpf_skb_pull_data() exists at tc, not at xdp"] },
  "a key of another struct": { body: "values.lookup(make(Value));", says: [`type-mismatch | make(Value) | the map takes View<Key>; "make(Value)" is View<Value>`] },
  "a map of numbers is looked up": { body: "numbersByKey.lookup(make(Key));", says: [`type-mismatch | numbersByKey.lookup(make(Key)) | values of the map "numbersByKey" are u32`] },
  "two sizes of one map": { body: "rows.at(1).packets = 1n; wrong.at(0).address = h.address;", says: [`map-declared-twice | wrong.at(0) | there are two maps "rows" of different sizes`] },
  "a packed struct on the stack": { body: "const a = make(Odd);", says: ["address | Odd | Odd cannot stand on the stack: it is packed, with a u32 at offset 1"] },
  "a struct that gets another name in a loop": { body: "const a = make(Key); let b = h.words[0] === 1 ? make(Key) : a; for (let i = 0; i < 20; i++) { b = a; }", says: ["address | a | the struct Key from make() gets another name in a loop that began after it"] },
  "an atomic operation on a packet": { body: `atomicAdd(h, "count", 1);`, says: [`atomic | h | "h" is not in a map: nobody else can change it meanwhile`] },
  "an atomic operation on 16 bits": { body: `atomicAdd(rows.at(0), "small", 1);`, says: [`atomic | "small" | "small" is u16; atomic operations work on 32 and 64 bits`] },
  "a way without a return": { source: "function entry(packet: Packet): i32 { if (packet.length > 100) return 1; }", says: [`missing-return | entry | "entry" may reach its end without returning a value`] },
  "a value from a function that gives none": { source: "function entry(packet: Packet): i32 { const a = f(); return 1; } function f(): void { }", says: [`type-mismatch | f() | "f()" is nothing`] },
  "null where a view is needed": { body: "const a: View<typeof Header> = null;", says: [`type-mismatch | null | View<Header> is needed here, but "null" is null`] },
  "a boolean where a number is needed": { body: "h.count = h.ttl > 1;", says: [`type-mismatch | h.ttl > 1 | u32 is needed here, but "h.ttl > 1" is boolean`] },
  "a private constant that fails": { source: "const BROKEN = nobody(1); function entry(packet: Packet): i32 { return BROKEN; }", says: [`not-a-constant | BROKEN | "BROKEN" cannot be evaluated when compiling: nobody is not defined`] },
  "an import that leads nowhere": { source: `import { a } from "./nowhere.js"; function entry(packet: Packet): i32 { return a; }`, says: [`name-unknown | a | "a" is not known here`] },
};

const wrap = (body: string): string => `function entry(packet: Packet): i32 { const h = packet.view(Header, 0); if (h === null) return 0; ${body} return 0; }`;

for (const [sentence, { source, body = "", type, says }] of Object.entries(mistakes)) {
  test(`refused: ${sentence}`, () => assert.deepEqual(diagnosticsOf(source ?? wrap(body), type), says));
}

function diagnosticsOf(source: string, type: ProgramType = "xdp"): string[] {
  try {
    compileText(source, { function: "entry", type, live, path: "test.ts" });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.diagnostics.map(({ code, message, span }) => `${code} | ${source.slice(span.start, span.end)} | ${message}`);
  }
  return [];
}

test("a message shows the place, a caret and what would work", () => {
  const source = "function entry(packet: Packet): i32 {\n  const ip = packet.view(Header, 14);\n  return i32(ip.ttl);\n}\n";
  assert.throws(() => compileText(source, { function: "entry", type: "xdp", live, path: "my/entry.ts" }), {
    name: "CompileError",
    message: [
      `my/entry.ts:3:14: error[may-be-null]: "ip" may be null here`,
      "    3 |   return i32(ip.ttl);",
      "      |              ^^",
      "  help: compare it first: if (ip === null) return …",
    ].join("\n"),
  });
});

test("every code of the table is one that a test has seen, but for those of files", () => {
  const seen = new Set(Object.values(mistakes).flatMap(({ says }) => says.map((line) => line.split(" | ")[0]!)));
  const unseen = Object.keys(diagnosticCodes).filter((code) => !seen.has(code));
  assert.deepEqual(unseen, ["module-missing"]);
});
