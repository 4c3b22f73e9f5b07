// A program that is run for a check or a notification: no shell, a limit of time, and what it wrote.

import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { identityOf } from "./identity.js";

export interface ProgramOptions {
  readonly signal: AbortSignal;
  /** Undefined: who runs weir. */
  readonly user?: string | undefined;
}

export interface ProgramEnd {
  /** Undefined when it was ended by a signal. */
  readonly status: number | undefined;
  /** "SIGKILL". */
  readonly killedBy: string | undefined;
  /** The first bytes of its stdout and stderr, as they came. */
  readonly output: string;
}

const OUTPUT_CHARACTERS_MAX = 1000;
/** For which output is waited after the program has ended. */
const OUTPUT_MILLISECONDS_MAX = 200;
/** From SIGTERM to SIGKILL. */
const GRACE_MILLISECONDS = 1000;

/** Ends with the program, or at once when the signal is aborted: the program and its children are then ended. Throws what kept it from being started. */
export function runProgram([program = "", ...args]: readonly string[], { signal, user }: ProgramOptions): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error(String(signal.reason)));
    // A process group of its own, so that its children can be ended with it.
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, ...(user === undefined ? {} : identityOf(user)) });
    let output = "";
    // It has no pipes when there is no file descriptor left; its error comes all the same.
    const streams = [child.stdout, child.stderr].filter((stream) => stream as Readable | undefined | null);
    for (const stream of streams) {
      stream.setEncoding("utf8").on("data", (part: string) => { output = (output + part).slice(0, OUTPUT_CHARACTERS_MAX); });
    }
    const onAbort = (): void => {
      endGroup(child.pid);
      reject(new Error(String(signal.reason)));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error) => { signal.removeEventListener("abort", onAbort); reject(error); });
    child.once("exit", (status, killedBy) => {
      signal.removeEventListener("abort", onAbort);
      const end = (): void => {
        clearTimeout(late);
        for (const stream of streams) stream.destroy();
        resolve({ status: status ?? undefined, killedBy: killedBy ?? undefined, output: output.trim() });
      };
      // Its last words may still be on their way; but a child that it left behind may hold its output open for ever.
      const late = setTimeout(end, OUTPUT_MILLISECONDS_MAX);
      child.once("close", end);
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  kill(pid, "SIGTERM");
  setTimeout(() => kill(pid, "SIGKILL"), GRACE_MILLISECONDS).unref();
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself.
  }
}
