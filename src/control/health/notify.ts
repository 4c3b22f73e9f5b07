// Commands that tell somebody of a change: one after another, each with a limit of time, while checks go on.

import type { Command } from "#model/health.js";
import type { Clock } from "./clock.js";
import type { HealthEvent } from "./events.js";
import { inWords } from "./attempt.js";
import { runProgram } from "./program.js";

const TIMEOUT_SECONDS = 30;
/** More than a burst of changes makes; with commands that hang, events of an hour ago are of no use. */
const WAITING_MAX = 1000;

export class NotificationQueue {
  readonly #waiting: Command[] = [];
  readonly #stopped = new AbortController();
  #isRunning = false;

  constructor(readonly clock: Clock, readonly emit: (event: HealthEvent) => void) {}

  add(command: Command): void {
    if (this.#waiting.length >= WAITING_MAX) return this.#tell(command, false, `${WAITING_MAX} others are waiting`);
    this.#waiting.push(command);
    if (!this.#isRunning) void this.#runAll();
  }

  /** What runs is ended, what waits is not run. */
  stop(): void {
    this.#waiting.length = 0;
    this.#stopped.abort("weir ends");
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    for (let command = this.#waiting.shift(); command !== undefined; command = this.#waiting.shift()) await this.#run(command);
    this.#isRunning = false;
  }

  /** Never throws. */
  async #run(command: Command): Promise<void> {
    const late = new AbortController();
    const callOff = this.clock.after(TIMEOUT_SECONDS, () => late.abort(`it did not end within ${TIMEOUT_SECONDS} s`));
    try {
      const { status, killedBy, output } = await runProgram(command.words, { user: command.user, signal: AbortSignal.any([late.signal, this.#stopped.signal]) });
      this.#tell(command, status === 0, `${killedBy === undefined ? `status ${status}` : killedBy}${output === "" ? "" : `: ${output.replaceAll("\n", "; ")}`}`);
    } catch (error) {
      this.#tell(command, false, inWords(error));
    } finally {
      callOff();
    }
  }

  #tell(command: Command, succeeded: boolean, reason: string): void {
    this.emit({ kind: "notification", command, succeeded, reason });
  }
}
