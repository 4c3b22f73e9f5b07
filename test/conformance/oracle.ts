// Where the real IPVS is: in this machine's kernel, or in a guest's that a program boots and runs a script in.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const PLAYER = "dist/out/test/conformance/play.js";
/** Where a checkout may have one beside it. */
const GUEST = join(root, "../shared/oracle/guest");

const POLL_MILLISECONDS = 100;

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
    const transcripts = join(folder, "transcripts");
    const file = openSync(transcripts, "w");
    player = spawn(guest ?? "bash", [script], { cwd: root, stdio: ["ignore", file, "inherit"] });
    closeSync(file);
    const ended = once(player, "exit");
    yield* linesAsTheyCome(transcripts, ended);
    const [status] = await ended;
    if (status !== 0) throw new Error(`${guest ?? "node"} ended with ${status}`);
  } finally {
    player?.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Of a file, so that its writer never waits for its reader: a guest that is through does not. */
async function* linesAsTheyCome(path: string, ended: Promise<unknown>): AsyncGenerator<string> {
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(1 << 20);
  let line = "";
  let isOver = false;
  try {
    for (let wasOver = false; ; ) {
      const length = readSync(file, buffer);
      const [first = "", ...others] = buffer.toString("latin1", 0, length).split("\n");
      line += first;
      for (const other of others) {
        yield line;
        line = other;
      }
      if (length > 0) continue;
      if (wasOver) return;
      wasOver = isOver;
      isOver = await Promise.race([ended.then(() => true), sleep(POLL_MILLISECONDS, false)]);
    }
  } finally {
    closeSync(file);
  }
}
