// The benchmark's own programs: functions of wrapper.ts, compiled by weir's compiler.

import { readFileSync } from "node:fs";
import { compileText } from "#compiler/compile.js";
import type { ProgramSpec } from "#ebpf/spec.js";
import * as numbers from "#layout/numbers.js";
import * as layout from "#layout/struct.js";
import * as helpers from "#prelude/helpers.js";
import * as intrinsics from "#prelude/intrinsics.js";
import * as maps from "#prelude/maps.js";
import * as packets from "#prelude/packet.js";
import * as ethernet from "#wire/ethernet.js";
import * as ipv4 from "#wire/ipv4.js";
import * as tcp from "#wire/tcp.js";
import { packageRoot } from "./package-root.js";
import * as wrapper from "./wrapper.js";

/** What wrapper.ts imports, under the names that it uses there. */
const imported = {
  ...layout, ...helpers, ...intrinsics, ...maps, ...packets, ...ethernet, ...ipv4, ...tcp,
  be16: numbers.be16, be32: numbers.be32, I32: numbers.i32, U16: numbers.u16, U32: numbers.u32, U64: numbers.u64, u8: numbers.u8,
};

export function wrapperProgram(name: "wrapper" | "nothing" | "swap"): ProgramSpec {
  const text = readFileSync(`${packageRoot}/bench/wrapper.ts`, "utf8");
  return compileText(text, { function: name, type: "xdp", live: { ...imported, ...wrapper }, path: "bench/wrapper.ts" });
}
