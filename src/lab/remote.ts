// The parent's side of a worker: starts it in a namespace and calls its methods as if they were here.

import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CaptureOptions, CaptureResult } from "./capture.js";
import { LabError } from "./errors.js";
import type { Reply, Request } from "./worker.js";
import type { Methods } from "./traffic/methods.js";

type Remote = { readonly [Name in keyof Methods]: (...args: Parameters<Methods[Name]>) => ReturnType<Methods[Name]> };

/** A process in a network namespace, and what it can be asked (see traffic/methods.ts). */
export interface Worker extends Remote {
  /** Captures until stop(): at one interface of the namespace, or all. */
  capture(options?: CaptureOptions): Promise<RunningCapture>;
  /** Ends the process, and with it its servers and connections. */
  end(): Promise<void>;
}

export interface RunningCapture {
  stop(): Promise<CaptureResult>;
}

const ENTRY = fileURLToPath(new URL("./worker.js", import.meta.url));

export async function startWorker(namespace: string): Promise<Worker> {
  const child = spawn("ip", ["netns", "exec", namespace, process.execPath, ENTRY], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // Frames travel as bytes, times as bigints.
    serialization: "advanced",
  });
  const calls = new Calls(namespace, child);
  await calls.ready;
  const own: Pick<Worker, "capture" | "end"> = {
    async capture(options = {}) {
      const capture = await calls.call("startCapture", [options]) as number;
      return { stop: () => calls.call("stopCapture", [capture]) as Promise<CaptureResult> };
    },
    end: () => calls.end(),
  };
  return new Proxy(own, {
    get(target, name) {
      if (name in target) return target[name as keyof typeof target];
      // A promise that resolves to a worker asks whether that is a promise too.
      if (typeof name !== "string" || name === "then") return undefined;
      return (...args: unknown[]) => calls.call(name as keyof Methods, args);
    },
  }) as Worker;
}

/** Requests under way, by number. */
class Calls {
  readonly ready: Promise<void>;
  readonly #namespace: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { readonly method: string; resolve(result: unknown): void; reject(error: Error): void }>();
  readonly #ended: Promise<void>;
  #count = 0;

  constructor(namespace: string, child: ChildProcess) {
    this.#namespace = namespace;
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("exit", () => resolve()));
    this.ready = new Promise((resolve, reject) => {
      child.once("error", (cause) => reject(new LabError("WORKER_FAILED", `Cannot start a worker in ${namespace}: ${cause.message}`, { cause })));
      child.once("exit", (code, signal) => {
        const error = new LabError("WORKER_FAILED", `The worker in ${namespace} ended by itself (${signal ?? `exit status ${code}`}); its message stands above`);
        reject(error);
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
      });
      child.on("message", (message: Reply | "ready") => (message === "ready" ? resolve() : this.#settle(message)));
    });
  }

  call(method: keyof Methods, args: readonly unknown[]): Promise<unknown> {
    this.#count += 1;
    const request: Request = { id: this.#count, method, args };
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) return reject(new LabError("WORKER_FAILED", `Cannot call ${method} in ${this.#namespace}: the worker has ended`));
      this.#waiting.set(request.id, { method, resolve, reject });
      this.#child.send(request);
    });
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (waiting === undefined) return;
    if ("error" in reply) waiting.reject(new LabError("WORKER_FAILED", `Cannot ${waiting.method} in ${this.#namespace}: ${reply.error}`));
    else waiting.resolve(reply.result);
  }
}
