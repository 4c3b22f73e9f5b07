// Plays one script to IPVS, in a network namespace of its own: with its own services and connections.

import { marks } from "./features/marks.js";
import { Memory } from "./memory.js";
import type { Script, Step } from "./script.js";
import { LOOKS, settingText } from "./script.js";
import { TapNetwork } from "./tap-network.js";
import type { Outcome, Transcript } from "./transcript.js";

/** IPVS ends a connection, whose port its client uses again, with the next tick of the kernel's clock: 4 ms, and some more for a slow machine. */
const TICK_MILLISECONDS = 10;

export class Player {
  readonly #director: TapNetwork;
  readonly #memory = new Memory();
  readonly #outcomes: Outcome[] = [];
  #began = 0;

  /** `stack`: a network without services, to compare with. */
  constructor(readonly script: Script, readonly stack: TapNetwork) {
    this.#director = new TapNetwork({ marks: script.features.includes(marks.name) });
  }

  play(): void {
    this.#began = performance.now();
    for (const step of this.script.steps) this.#outcomes.push(this.#outcomeOf(step));
  }

  /** The statistics are those of the script's end. */
  finish(): Transcript {
    const outcomes = this.script.steps.map((step, i) => (isOfStatistics(step) ? this.#ipvsadm(LOOKS.statistics) : this.#outcomes[i]!));
    this.#director.close();
    return outcomes;
  }

  #outcomeOf(step: Step): Outcome {
    if (step.kind === "ipvsadm") return this.#ipvsadm(step.words);
    if (step.kind === "sysctl") return this.#run("sysctl", ["-qw", settingText(step)]);
    if (step.kind === "look") return isOfStatistics(step) ? { milliseconds: this.#now() } : this.#ipvsadm(LOOKS[step.at]);
    if (step.kind === "wait") sleep(step.milliseconds);
    const milliseconds = this.#now();
    const received = this.#memory.framesOf(step);
    if (received === undefined) return { milliseconds };
    const sent = received.flatMap((passage) => this.#director.inject(passage));
    if (step.kind === "request") sleep(TICK_MILLISECONDS);
    this.#memory.remember(step, sent);
    return { milliseconds, received, sent, sentByStack: received.flatMap((passage) => this.stack.inject(passage)) };
  }

  #ipvsadm(words: readonly string[]): Outcome {
    return this.#run("ipvsadm", words);
  }

  #run(program: string, words: readonly string[]): Outcome {
    const ran = this.#director.run(program, words);
    return { milliseconds: this.#now(), ...ran };
  }

  #now(): number {
    return Math.round(performance.now() - this.#began);
  }
}

const sleep = (milliseconds: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
const isOfStatistics = (step: Step): boolean => step.kind === "look" && step.at === "statistics";
