// Where the real IPVS is: in this machine's kernel, or in a guest's that a program boots and runs a script in.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const PLAYER = "dist/out/test/conformance/play.js";
/** Where a checkout may have one beside it. */
const GUEST = join(root, "../shared/oracle/guest");

/** A program that takes a shell script and runs it elsewhere, in this directory: stdout and the exit status come back. */
export type Guest = string | undefined;

/** WEIR_ORACLE, or the usual place; undefined: here. */
export const findGuest = (): Guest => process.env["WEIR_ORACLE"] ?? (existsSync(GUEST) ? GUEST : undefined);

/** Plays scripts there, and gives each one's transcript as it comes: a line. */
export async function* playThere(guest: Guest, args: readonly string[]): AsyncGenerator<string> {
  const folder = mkdtempSync(join(tmpdir(), "weir-conformance-"));
  let player: ChildProcess | undefined;
  try {
    const script = join(folder, "play.sh");
    writeFileSync(script, `exec node ${[PLAYER, ...args].join(" ")}\n`);
    player = spawn(guest ?? "bash", [script], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(player, "close");
    yield* createInterface(player.stdout!);
    const [status] = await ended;
    if (status !== 0) throw new Error(`${guest ?? "node"} ended with ${status}`);
  } finally {
    player?.kill();
    rmSync(folder, { recursive: true });
  }
}
