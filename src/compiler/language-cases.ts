// For tests: every construct of the language in a program of its own, to be run on random packets.

import { Be16, Be32, distinct, i32, i64, u16, u32, u64, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";
import type { LiveValues } from "./module.js";

const Kind = distinct<never>("Kind", u8);
const Pair = struct("Pair", { low: u32, high: u32 });
/** What each program finds at the packet's beginning, and may change. */
export const Data = struct("Data", {
  a: u32, b: u32, c: u64, d: u64, e: u8, f: u8, g: u16, h: i32, i: i32, j: i32, k: i64, l: i64,
  port: Be16, other: Be16, address: Be32, mac: array(u8, 6), kind: Kind, spare: u8, words: array(u32, 8), halves: array(u16, 4), pair: Pair, second: Pair, n: u64, m: u32, o: u32,
});
const Local = struct("Local", { first: u32, small: u8, wide: u64, half: u16, mac: array(u8, 6), pair: Pair, words: array(u32, 4), many: array(u32, 8) });
const Counter = struct("Counter", { packets: u64, bytes: u64, small: u32, other: u32, cells: array(u16, 8) });
const Byte = struct("Byte", { value: u8 });
const counters = table("counters", Counter, 8);
/** Eight banks of two. */
const banked = table("banked", Counter, 16, { bankBytes: 3 * Counter.size });

export const live: LiveValues = { Data, Local, Pair, Counter, Byte, counters, banked, Kind, ANSWER: 42, BIG: 2n ** 40n, FLAG: true, Names: { one: 1, two: 2, nested: { three: 3 } } };

/** Statements in which `x` is the packet's Data. */
export const bodies: { readonly [sentence: string]: string } = {
  "arithmetic of 32 bits": `x.a = u32(x.e + x.g * 3 - 7 + (x.f << 4));`,
  "arithmetic of 64 bits": `x.n = x.c * 3n + (x.d >> 5n) - (x.c ^ x.d);`,
  "division and remainder of unsigned numbers": `x.a = u32((x.b | 1) >>> 0) % 1000; x.n = x.c / (x.d | 1n) + x.c % 17n; x.m = (x.b - x.b % 7) / 7;`,
  "division by zero gives zero, the remainder then the dividend": `const zero = x.e >>> 8; const q = zero === 0 ? 0 : x.b / zero; x.a = q;`,
  "bit operators": `x.a = u32((x.a & 0xff00ff00) | (x.b & 0x00ff00ff)); x.b = u32(~x.b ^ 0x55555555); x.n = ~x.c & x.d | 0xf0f0n;`,
  "shifts of unsigned numbers": `x.a = u32(x.a << (x.e & 31)); x.b = x.b >>> (x.f & 31); x.n = (x.c << u64(x.e & 63)) ^ (x.d >> u64(x.f & 63));`,
  "shifts of signed numbers": `x.h = x.h >> (x.e & 31); x.i = i32(x.i << 3); x.k = x.k >> u64(x.f & 63);`,
  "a signed number shifts to the right as unsigned by >>>": `x.a = x.h >>> 4;`,
  "comparisons of unsigned numbers": `x.m = u32(x.a < x.b) | (u32(x.a <= x.b) << 1) | (u32(x.a > x.b) << 2) | (u32(x.a >= x.b) << 3) | (u32(x.a === x.b) << 4) | (u32(x.c < x.d) << 5) | (u32(x.c !== x.d) << 6);`,
  "comparisons of signed numbers": `x.m = u32(x.h < x.i) | (u32(x.h <= -1) << 1) | (u32(x.h > x.i) << 2) | (u32(x.h >= 0) << 3) | (u32(x.k < x.l) << 4) | (u32(x.k < -5n) << 5) | (u32(x.h < x.g) << 6);`,
  "conversions to narrower and wider": `x.e = u8(x.a); x.g = u16(x.b); x.n = u64(x.a); x.m = u32(x.c); x.h = i32(x.c); x.k = i64(x.i); x.d = u64(x.h);`,
  "a variable of eight bits wraps": `let small: u8 = x.e; small = u8(small + 200); small = u8(small * 3); x.a = small;`,
  "negation": `x.h = i32(-x.h); x.k = -x.k; x.a = u32(-x.b);`,
  "compound assignment and ++": `x.e = u8(x.e + 1); let n = 5; n += 3; n *= 2; n -= 1; n <<= 2; n |= 1; n ^= 7; n++; --n; x.a = n; x.c += 1n; x.d -= 2n; x.m = 0; x.m++; x.m += 4;`,
  "the value of ++ is the old one, of prefix ++ the new one": `let n = 5; x.a = n++; x.b = ++n; x.m = n--;`,
  "byte order of numbers": `x.a = host16(x.port) + 1; x.b = host32(x.address); x.other = be16(u16(x.g + 1)); x.address = be32(x.m); x.c = u64(be64(x.d));`,
  "byte order of constants": `x.port = be16(80); x.address = be32(0x0a000001); x.a = u32(x.port === be16(80));`,
  "network order compares and masks with its like": `x.a = u32(x.port === x.other); x.b = u32((x.port & be16(0x0fff)) !== be16(0)); x.other = (x.other | be16(0x4000)) as Be16; x.m = u32(x.address);`,
  "distinct types": `const kind = 6 as Kind; x.a = u32(x.kind === kind); x.kind = kind; x.b = u32(x.kind);`,
  "if and else": `if (x.a < x.b) x.m = 1; else if (x.a === 7) x.m = 2; else { x.m = 3; x.o = 4; }`,
  "&& and || and ! in conditions": `if ((x.a < 100 && x.b < 100) || !(x.e === 0 || x.f > 3)) x.m = 1; else x.m = 2;`,
  "conditions as values": `const both = x.e > 3 && x.f > 3; const either = x.e === 0 || both; x.m = u32(both) + u32(either) * 2 + u32(!either) * 4;`,
  "booleans compare": `x.m = u32((x.e > 3) === (x.f > 3)) + u32((x.e > 9) !== FLAG);`,
  "?: of numbers": `x.a = x.e > x.f ? x.b : 77; x.n = x.c < x.d ? x.c : 5n; x.h = x.i < 0 ? -1 : 1;`,
  "?: in a condition": `if (x.e > 100 ? x.f > 100 : x.g > 100) x.m = 1; else x.m = 0;`,
  "switch with few cases": `switch (x.e & 3) { case 0: x.m = 10; break; case 1: case 2: x.m = 20; break; default: x.m = 30; }`,
  "switch with many cases": `switch (x.e & 15) { case 1: x.m = 1; break; case 9: x.m = 2; break; case 3: x.m = 3; break; case 5: { x.m = 4; break; } case 12: case 13: x.m = 5; break; case 7: x.m = 6; break; case ANSWER: x.m = 7; break; default: x.m = 8; }`,
  "switch without default, on a byte order": `switch (x.port) { case be16(80): x.m = 1; break; case be16(443): x.m = 2; break; }`,
  "a short loop": `let sum = 0; for (let i = 0; i < 5; i++) sum += i * x.e; x.a = sum;`,
  "a short loop that counts down by two": `let sum = 0; for (let i = 6; i > 0; i -= 2) sum = sum * 10 + i; x.a = sum;`,
  "a long loop": `let sum = 0; for (let i = 0; i < 40; i++) sum = u32(sum + i * x.e); x.a = sum;`,
  "break and continue": `let sum = 0; for (let i = 0; i < 30; i++) { if ((i & 1) === 1) continue; if (i > x.e) break; sum += i; } x.a = sum;`,
  "break and continue in an unrolled loop": `let sum = 0; for (let i = 0; i < 8; i++) { if (i === 3) continue; if (i > x.e) break; sum += i; } x.a = sum;`,
  "nested loops": `let sum = 0; for (let i = 0; i < 12; i++) { for (let j = 0; j < 3; j++) { if (j === x.e) continue; sum += i * j; } if (sum > 60) break; } x.a = sum;`,
  "while": `let n: u32 = x.g; let rounds = 0; while (n > 1 && rounds < 20) { n = (n & 1) === 0 ? n >>> 1 : u32(n * 3 + 1) & 0xffff; rounds++; } x.a = n; x.b = rounds;`,
  "do while": `let n: u32 = x.e; let rounds = 0; do { n = n >>> 1; rounds++; } while (n > 0 && rounds < 9); x.a = rounds;`,
  "variables through loops and branches": `let p = 1; let q = 2; for (let i = 0; i < 20; i++) { if (i < x.e) { const t = p; p = q; q = t; } else { q = u32(q + p); } } x.a = p; x.b = q;`,
  "arrays with constant indices": `x.words[0] = x.words[7]; x.mac[5] = u8(x.mac[0] + 1); x.halves[3] = x.g;`,
  "arrays with variable indices": `const cells = counters.at(x.g).cells; cells[3] = x.g; cells[x.e & 7] = cells[x.f & 7]; cells[x.e] = 7; x.m = cells[x.f]; let sum = 0; for (let i = 0; i < 8; i++) sum = u32(sum + x.words[i] + cells[i]); x.a = sum;`,
  "arrays are copied by value": `const local = make(Local, { mac: x.mac }); local.mac[0] = 7; x.mac = local.mac; const many = make(Local); many.many = x.words; x.words = many.many;`,
  "structs are copied by value": `x.second = x.pair; x.pair.low = 5;`,
  "a local struct in registers": `const local = make(Local, { first: x.a, small: x.e }); local.wide = x.c; local.first += 1; local.small = u8(local.small + 250); x.b = local.first; x.m = local.small; x.n = local.wide + u64(local.half);`,
  "a local struct's arrays": `const local = make(Local); local.words[0] = x.a; local.words[3] = x.b; local.many[x.e & 7] = 5; local.many[2] = 9; x.m = local.words[x.f & 3]; x.a = local.many[2]; x.b = local.many[x.g & 7];`,
  "a write at a variable index into a local struct": `const local = make(Local, { first: 1 }); local.words[1] = 11; local.words[x.e & 3] = x.a; x.m = local.words[0]; x.b = local.words[1]; x.o = local.first;`,
  "a local struct's structs": `const local = make(Local, { pair: x.pair }); local.pair.low = u32(local.pair.low + 1); x.second = local.pair;`,
  "a local struct in a loop": `let sum = 0; for (let i = 0; i < 12; i++) { const local = make(Local, { first: i }); local.first = u32(local.first + x.e); local.many[i & 7] = i; sum = u32(sum + local.first + local.many[3]); } x.a = sum;`,
  "local structs change in branches": `const local = make(Local, { first: 1 }); if (x.e > 7) local.first = 2; else local.half = 9; x.a = local.first; x.b = local.half;`,
  "a table's entries": `const counter = counters.at(x.e); counter.packets += 1n; counter.bytes += x.c; counter.small = x.a; counters.at(3).cells[x.f & 7] = x.g; x.m = counters.at(x.e).cells[2];`,
  "a table of several banks": `for (let i = 0; i < 24; i++) banked.at(i + x.e).packets += u64(i); const counter = banked.at(x.a); counter.bytes = x.c; banked.at(x.b).bytes += 1n; banked.at(3).small = x.b; banked.at(4).small = x.a; counter.cells[x.f & 7] = x.g; x.n = counter.bytes + banked.at(x.f).packets; x.m = banked.at(x.a + 1).small; x.o = tally(x.g);`,
  "atomics without result": `const counter = counters.at(x.e); atomicAdd(counter, "packets", x.c); atomicAdd(counter, "small", x.a); atomicOr(counter, "other", x.b); atomicOr(counter, "bytes", 12n); atomicAnd(counter, "bytes", x.d);`,
  "atomics with result": `const counter = counters.at(x.e); x.n = fetchAdd(counter, "packets", x.c); x.a = fetchAdd(counter, "small", x.a); x.b = fetchOr(counter, "other", x.b); x.c = exchange(counter, "bytes", x.d); x.d = fetchXor(counter, "packets", 5n); x.m = fetchAnd(counter, "small", 0xff);`,
  "compare and exchange": `const counter = counters.at(1); x.a = compareExchange(counter, "small", 0, x.b); x.b = compareExchange(counter, "small", x.a, 9); x.c = compareExchange(counter, "packets", 0n, x.d); x.d = compareExchange(counter, "packets", 77n, 1n);`,
  "names of the module": `x.a = ANSWER; x.c = BIG + 1n; x.b = Names.two + Names.nested.three; if (FLAG) x.m = Data.size;`,
  "sizeOf": `x.a = sizeOf(Data); x.b = sizeOf(Pair);`,
  "inlined functions": `x.a = add(x.e, x.f); x.b = clamp(x.g); swap(x.pair); x.m = u32(isSmall(x.a) || isSmall(x.b)); if (isSmall(x.b) && !isSmall(x.e)) x.o = 1;`,
  "an inlined function with many returns": `x.a = grade(x.e); x.b = grade(x.f) + grade(3);`,
  "an inlined function that gives a view": `const pair = choose(x, x.e > 7); pair.low = 1; x.a = pair.high; choose(x, true).high = 3;`,
  "an inlined function that gives a view or null": `const pair = find(x, x.e); if (pair === null) x.m = 1; else pair.low = 77; if (find(x, x.f) !== null && find(x, 1) !== null) x.o = 5;`,
  "an inlined function that gives a struct": `const local = fresh(x.a, x.e > 3); x.b = local.first; x.m = local.half; x.o = fresh(3, true).first;`,
  "a struct handed to an inlined function": `const local = make(Local); fill(local, x.a); fill(local, 2); x.b = local.first; x.m = local.words[1];`,
  "a parameter that is assigned to": `x.a = collatz(x.g);`,
  "a view in a variable": `let pair = x.pair; if (x.e > 7) pair = x.second; pair.low = 9; x.a = pair.high;`,
  "a view or null in a variable": `let pair: View<typeof Pair> | null = null; if (x.e > 200) pair = x.pair; else if (x.e > 100) pair = x.second; if (pair === null) x.m = 1; else pair.low = 12;`,
  "a view that is replaced when it is null": `let pair = find(x, x.e); if (pair === null) pair = x.second; pair.high = 4;`,
  "a subprogram": `x.a = mix(x.e, x.f); x.b = mix(x.g, x.b & 0xff); x.m = u32(even(x.a)); bump(x.pair);`,
  "a subprogram that changes a local struct": `const local = make(Local, { first: x.e }); touch(local); touch(local); x.a = local.first; x.b = local.half; x.m = local.many[1];`,
  "the packet's end": `const last = packet.view(Byte, (packet.length - 1) & 0xfff); if (last === null) return 1; last.value = 200; const beyond = packet.view(Byte, packet.length & 0xfff); if (beyond !== null) beyond.value = 1; const far = packet.view(Data, 40); if (far === null) x.m = 3;`,
  "a view at a variable offset": `const byte = packet.view(Byte, 8 + (x.e & 63)); if (byte === null) return 9; byte.value = 255; x.a = byte.value;`,
  "hints change nothing": `if (likely(x.e > 3)) x.m = 1; else x.m = 2; if (unlikely(x.f > 3 && x.e > 9)) x.o = 1; const b = likely(x.f === 7); x.a = u32(b);`,
  "a constant condition compiles one side": `if (ANSWER === 42) x.a = 1; else x.a = nonsense(); x.b = FLAG ? 2 : nowhere.at(3);`,
  "types named by as": `x.a = (x.e as u32) + 1; x.port = x.g as Be16; x.b = x.port as number; x.h = x.m as i32;`,
  "early returns": `if (x.e > 128) return 5; if (x.f > 128) { x.a = 1; return 6; } x.a = 2;`,
  "a block has names of its own": `const n = 1; { const n = 2; x.a = n; } x.b = n; for (let n = 0; n < 3; n++) x.m = n;`,
};

const functions = `
function add(a: u32, b: u32): u32 { return a + b; }
function clamp(n: u32): u32 { if (n > 1000) return 1000; return n; }
function swap(pair: View<typeof Pair>): void { const low = pair.low; pair.low = pair.high; pair.high = low; }
function isSmall(n: u32): boolean { return n < 16 && n !== 3; }
function grade(n: u32): u32 { if (n < 10) return 1; if (n < 50) { if (n === 33) return 9; return 2; } switch (n & 3) { case 0: return 3; case 1: return 4; default: return 5; } }
function choose(x: View<typeof Data>, first: boolean): View<typeof Pair> { if (first) return x.pair; return x.second; }
function find(x: View<typeof Data>, n: u32): View<typeof Pair> | null { if (n < 4) return null; return (n & 1) === 0 ? x.pair : x.second; }
function fresh(n: u32, half: boolean): View<typeof Local> { if (half) { const local = make(Local, { half: 5 }); return local; } return make(Local, { first: n }); }
function fill(local: View<typeof Local>, n: u32): void { local.first = u32(local.first + n); local.words[1] = n; }
function collatz(n: u32): u32 { let rounds = 0; for (let i = 0; i < 10; i++) { if (n < 2) return rounds; n = (n & 1) === 0 ? n >>> 1 : u32(n * 3 + 1); rounds++; } return rounds; }
function mix(a: u32, b: u32): u32 { "use subprogram"; let sum = 0; for (let i = 0; i < 10; i++) { if (i > b) break; sum = u32(sum + a); } return sum; }
function even(n: u32): boolean { "use subprogram"; return (n & 1) === 0; }
function bump(pair: View<typeof Pair>): void { "use subprogram"; pair.low = u32(pair.low + 1); }
function tally(n: u32): u32 { "use subprogram"; banked.at(n).packets += 1n; mark(n + 1); return banked.at(n + 2).small; }
function mark(n: u32): void { "use subprogram"; banked.at(n).other = n; }
function touch(local: View<typeof Local>): void { "use subprogram"; local.first = u32(local.first * 2 + 1); local.half = 7; local.many[1] = local.first; }
`;

export const sourceOf = (body: string): string =>
  `${functions}\nfunction entry(packet: Packet): i32 { const x = packet.view(Data, 0); if (x === null) return -1; ${body} return 0; }`;
