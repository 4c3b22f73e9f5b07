// The programs of the data plane, compiled for one shape: from the cache when this very source was compiled so before.
// The compiler is loaded only when it was not.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ProgramSpec, ProgramType } from "#ebpf/spec.js";
import { programFromJson, programToJson } from "#ebpf/program.js";
import { KernelError } from "#kernel/errors.js";
import { lock, type Lock } from "#kernel/lock.js";
import { SCTP_AND_IPSEC, TC, TCP_AND_UDP, XDP } from "#dataplane/config.js";
import {
  PROGRAM_OUT6, PROGRAM_OUT6_ICMP, PROGRAM_OUT6_SCTP, PROGRAM_OUT_ICMP, PROGRAM_OUT_SCTP, PROGRAM_TC, PROGRAM_TC6, PROGRAM_TC6_APPLICATION, PROGRAM_TC6_FRAGMENTS,
  PROGRAM_TC6_ICMP, PROGRAM_TC6_RELAY, PROGRAM_TC6_SCTP, PROGRAM_TC6_SIP, PROGRAM_TC6_TUNNEL, PROGRAM_TC_CUT,
  PROGRAM_TC_APPLICATION, PROGRAM_TC_FRAGMENTS, PROGRAM_TC_ICMP, PROGRAM_TC_RELAY, PROGRAM_TC_SCTP, PROGRAM_TC_SIP, PROGRAM_TC_TUNNEL, PROGRAM_XDP6, PROGRAM_XDP6_SCTP,
  PROGRAM_XDP6_TUNNEL, PROGRAM_XDP_SCTP, PROGRAM_XDP_TUNNEL, families, tcPrograms, xdpPrograms,
} from "#dataplane/maps.js";
import type { Shape } from "./shape.js";
import { tableEntries } from "./shape.js";
import type { Use } from "./uses.js";

/** weir_tc, weir_xdp, weir_tc_back, weir_tc_own and weir_out take packets and end in others where their work is; weir_start arms the timers; weir_sync is the backup daemon's. */
export type ProgramName =
  | "weir_tc" | "weir_tc_icmp" | "weir_tc_relay" | "weir_tc_frag" | "weir_tc_app" | "weir_tc_sip" | "weir_tc_tun" | "weir_tc_sctp" | "weir_xdp" | "weir_xdp_tun"
  | "weir_xdp_sctp" | "weir_start" | "weir_sync" | "weir_tc_back" | "weir_tc_own" | "weir_tc_cut" | "weir_out" | "weir_out_icmp" | "weir_out_sctp"
  | "weir_tc6" | "weir_tc6_icmp" | "weir_tc6_relay" | "weir_tc6_frag" | "weir_tc6_app" | "weir_tc6_sip" | "weir_tc6_tun" | "weir_tc6_sctp" | "weir_xdp6" | "weir_xdp6_tun"
  | "weir_xdp6_sctp" | "weir_start6" | "weir_sync6" | "weir_out6" | "weir_out6_icmp" | "weir_out6_sctp";

interface Recipe {
  readonly family: keyof typeof families;
  readonly module: string;
  readonly function: string;
  readonly type: ProgramType;
  readonly hook: number;
  /** TCP and UDP, unless it says. */
  readonly transports?: number;
  /** It meets all fragments, not only first ones. */
  readonly fragments?: boolean;
  /** For connections of applications (dataplane/application.ts). */
  readonly application?: boolean;
  /** For services with a persistence engine (dataplane/engines). */
  readonly engine?: boolean;
  /** Where tail calls find it: in dataplane/maps, tcPrograms or xdpPrograms. */
  readonly place?: number;
  /** Loaded only where services need it; those of IPv6 only where there are services of IPv6. */
  readonly use?: Use;
}

const RECIPES: { readonly [name in ProgramName]: Recipe } = {
  weir_tc: { family: "ipv4", module: "entry", function: "entry", type: "tc", hook: TC, place: PROGRAM_TC },
  weir_tc_back: { family: "ipv4", module: "marked", function: "takeBack", type: "tc", hook: TC, use: "marks" },
  weir_tc_own: { family: "ipv4", module: "own", function: "takeOwn", type: "tc", hook: TC, use: "own" },
  weir_tc_icmp: { family: "ipv4", module: "related", function: "followConnection", type: "tc", hook: TC, place: PROGRAM_TC_ICMP },
  weir_tc_relay: { family: "ipv4", module: "relay", function: "relay", type: "tc", hook: TC, place: PROGRAM_TC_RELAY, use: "relays" },
  weir_tc_frag: { family: "ipv4", module: "fragments", function: "takeFragment", type: "tc", hook: TC, fragments: true, place: PROGRAM_TC_FRAGMENTS },
  weir_tc_cut: { family: "ipv4", module: "cut", function: "cut", type: "tc", hook: TC, place: PROGRAM_TC_CUT },
  weir_tc_app: { family: "ipv4", module: "entry", function: "entry", type: "tc", hook: TC, application: true, place: PROGRAM_TC_APPLICATION, use: "applications" },
  weir_tc_sip: { family: "ipv4", module: "entry", function: "entry", type: "tc", hook: TC, engine: true, place: PROGRAM_TC_SIP, use: "engines" },
  weir_tc_tun: { family: "ipv4", module: "encapsulate", function: "encapsulate", type: "tc", hook: TC, fragments: true, place: PROGRAM_TC_TUNNEL, use: "tunnels" },
  weir_tc_sctp: { family: "ipv4", module: "entry", function: "entry", type: "tc", hook: TC, transports: SCTP_AND_IPSEC, place: PROGRAM_TC_SCTP, use: "transports" },
  weir_xdp: { family: "ipv4", module: "entry", function: "entry", type: "xdp", hook: XDP },
  weir_xdp_tun: { family: "ipv4", module: "encapsulate", function: "encapsulate", type: "xdp", hook: XDP, place: PROGRAM_XDP_TUNNEL, use: "tunnels" },
  weir_xdp_sctp: { family: "ipv4", module: "entry", function: "entry", type: "xdp", hook: XDP, transports: SCTP_AND_IPSEC, place: PROGRAM_XDP_SCTP, use: "transports" },
  weir_start: { family: "ipv4", module: "timers", function: "start", type: "tc", hook: TC },
  weir_sync: { family: "ipv4", module: "synchronised", function: "enterTold", type: "tc", hook: TC, engine: true, use: "synchronisation" },
  weir_out: { family: "ipv4", module: "out", function: "takeOut", type: "tc", hook: TC, fragments: true, use: "egress" },
  weir_out_icmp: { family: "ipv4", module: "out-errors", function: "takeError", type: "tc", hook: TC, place: PROGRAM_OUT_ICMP, use: "egress" },
  weir_out_sctp: { family: "ipv4", module: "out", function: "takeOut", type: "tc", hook: TC, fragments: true, transports: SCTP_AND_IPSEC, place: PROGRAM_OUT_SCTP, use: "egress" },
  weir_tc6: { family: "ipv6", module: "entry", function: "entry", type: "tc", hook: TC, place: PROGRAM_TC6 },
  weir_tc6_icmp: { family: "ipv6", module: "related", function: "followConnection", type: "tc", hook: TC, place: PROGRAM_TC6_ICMP },
  weir_tc6_relay: { family: "ipv6", module: "relay", function: "relay", type: "tc", hook: TC, place: PROGRAM_TC6_RELAY, use: "relays" },
  weir_tc6_frag: { family: "ipv6", module: "fragments", function: "takeFragment", type: "tc", hook: TC, fragments: true, place: PROGRAM_TC6_FRAGMENTS },
  weir_tc6_app: { family: "ipv6", module: "entry", function: "entry", type: "tc", hook: TC, application: true, place: PROGRAM_TC6_APPLICATION, use: "applications" },
  weir_tc6_sip: { family: "ipv6", module: "entry", function: "entry", type: "tc", hook: TC, engine: true, place: PROGRAM_TC6_SIP, use: "engines" },
  weir_tc6_tun: { family: "ipv6", module: "encapsulate", function: "encapsulate", type: "tc", hook: TC, place: PROGRAM_TC6_TUNNEL, use: "tunnels" },
  weir_tc6_sctp: { family: "ipv6", module: "entry", function: "entry", type: "tc", hook: TC, transports: SCTP_AND_IPSEC, place: PROGRAM_TC6_SCTP, use: "transports" },
  weir_xdp6: { family: "ipv6", module: "entry", function: "entry", type: "xdp", hook: XDP, place: PROGRAM_XDP6 },
  weir_xdp6_tun: { family: "ipv6", module: "encapsulate", function: "encapsulate", type: "xdp", hook: XDP, place: PROGRAM_XDP6_TUNNEL, use: "tunnels" },
  weir_xdp6_sctp: { family: "ipv6", module: "entry", function: "entry", type: "xdp", hook: XDP, transports: SCTP_AND_IPSEC, place: PROGRAM_XDP6_SCTP, use: "transports" },
  weir_start6: { family: "ipv6", module: "timers", function: "start", type: "tc", hook: TC },
  weir_sync6: { family: "ipv6", module: "synchronised", function: "enterTold", type: "tc", hook: TC, engine: true, use: "synchronisation" },
  weir_out6: { family: "ipv6", module: "out", function: "takeOut", type: "tc", hook: TC, fragments: true, place: PROGRAM_OUT6, use: "egress" },
  weir_out6_icmp: { family: "ipv6", module: "out-errors", function: "takeError", type: "tc", hook: TC, place: PROGRAM_OUT6_ICMP, use: "egress" },
  weir_out6_sctp: { family: "ipv6", module: "out", function: "takeOut", type: "tc", hook: TC, fragments: true, transports: SCTP_AND_IPSEC, place: PROGRAM_OUT6_SCTP, use: "egress" },
};

export const PROGRAM_NAMES = Object.keys(RECIPES) as ProgramName[];
/** Of those that tail calls go to: the array of programs, and the place there. */
export const PROGRAM_PLACES = PROGRAM_NAMES.flatMap((name) => {
  const { type, place } = RECIPES[name];
  return place === undefined ? [] : [{ name, place, array: type === "xdp" ? xdpPrograms : tcPrograms }];
});

/** Longer than compiling takes on a slow machine; who has waited so long compiles too. */
const LOCK_MILLISECONDS_MAX = 60_000;
const LOCK_RETRY_MILLISECONDS = 20;

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
/** What the outcome depends on, compiled. */
const SOURCE_LAYERS = ["layout", "wire", "prelude", "ebpf", "compiler", "dataplane"];

/** Those that a director with such services needs, at TC, and at XDP where an interface has it. */
export function programNames(uses: ReadonlySet<Use>, atXdp: boolean): ProgramName[] {
  return PROGRAM_NAMES.filter((name) => {
    const { type, family, use } = RECIPES[name];
    return (type !== "xdp" || atXdp) && (family !== "ipv6" || uses.has("ipv6")) && (use === undefined || uses.has(use));
  });
}

/** All of them, unless it is said which. */
export async function programSpecs(shape: Shape, names: readonly ProgramName[] = PROGRAM_NAMES): Promise<ReadonlyMap<ProgramName, ProgramSpec>> {
  const specs = new Map<ProgramName, ProgramSpec>();
  for (const name of names) specs.set(name, await programSpec(name, shape));
  return specs;
}

/** By their file: a process that stays applies one configuration after the other. */
const known = new Map<string, ProgramSpec>();

export async function programSpec(name: ProgramName, shape: Shape): Promise<ProgramSpec> {
  const file = cacheFile(name, shape);
  const spec = known.get(file) ?? readCached(file) ?? await compileUnlessOthersDo(file, name, shape);
  known.set(file, spec);
  return spec;
}

async function compileUnlessOthersDo(file: string, name: ProgramName, shape: Shape): Promise<ProgramSpec> {
  const held = await lockCache();
  try {
    return readCached(file) ?? await compileAnew(file, name, shape);
  } finally {
    held?.release();
  }
}

async function compileAnew(file: string, name: ProgramName, shape: Shape): Promise<ProgramSpec> {
  const spec = await compileProgram(name, shape);
  writeCached(file, spec);
  return spec;
}

/** Of commands that start at once one compiles, and the others wait for it. Undefined where the cache cannot be written: each does it then. */
async function lockCache(): Promise<Lock | undefined> {
  for (const end = performance.now() + LOCK_MILLISECONDS_MAX; performance.now() < end; await delay(LOCK_RETRY_MILLISECONDS)) {
    try {
      mkdirSync(cacheFolder(), { recursive: true });
      return lock(join(cacheFolder(), "lock"), { timeoutSeconds: 0 });
    } catch (error) {
      if (!(error instanceof KernelError && error.code === "LOCKED")) return undefined;
    }
  }
  return undefined;
}

async function compileProgram(name: ProgramName, shape: Shape): Promise<ProgramSpec> {
  const { compile } = await import("#compiler/compile.js");
  const recipe = RECIPES[name];
  return compile({
    source: join(packageRoot, "src/dataplane", `${recipe.module}.ts`), function: recipe.function, type: recipe.type, name,
    define: {
      ...families[recipe.family], HOOK: recipe.hook, TRANSPORTS: recipe.transports ?? TCP_AND_UDP, FRAGMENTS: recipe.fragments ?? false,
      APPLICATION: recipe.application ?? false, ENGINE: recipe.engine ?? false,
      FIB_GIVES_SOURCE: shape.fibGivesSource, CSUM_KNOWS_IPV6: shape.csumKnowsIpv6, PROCESSORS: shape.processors, DESTINATIONS: shape.destinations,
      CONNECTIONS: recipe.family === "ipv6" ? shape.connectionsIpv6 : shape.connections,
    },
    tables: tableEntries(shape),
  });
}

/** Where this version's program for that shape is kept. */
export function cacheFile(name: ProgramName, shape: Shape): string {
  return join(cacheFolder(), `${name}-${fingerprint(name, shape)}.json`);
}

/** WEIR_CACHE, or the system's place for what can be made again. */
function cacheFolder(): string {
  return process.env["WEIR_CACHE"] ?? "/var/cache/weir";
}

function readCached(file: string): ProgramSpec | undefined {
  try {
    return programFromJson(readFileSync(file, "utf8"));
  } catch {
    return undefined; // not there, or cut short: it is made again
  }
}

/** Whole or not at all; a cache that cannot be written costs the next run a second, no more. */
function writeCached(file: string, spec: ProgramSpec): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, programToJson(spec));
    renameSync(unfinished, file);
  } catch {
    return;
  }
}

let sourceHash: string | undefined;

function fingerprint(name: ProgramName, shape: Shape): string {
  sourceHash ??= hashSources();
  return createHash("sha256").update(JSON.stringify([sourceHash, name, shape, tableEntries(shape)])).digest("hex").slice(0, 16);
}

function hashSources(): string {
  const hash = createHash("sha256");
  for (const layer of SOURCE_LAYERS) {
    const folder = join(packageRoot, "dist", layer);
    for (const entry of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
      if (entry.endsWith(".js") && !entry.endsWith(".test.js")) hash.update(entry).update(readFileSync(join(folder, entry)));
    }
  }
  return hash.digest("hex");
}
