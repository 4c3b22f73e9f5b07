// What a director did, step by step of a script.

import type { NetworkInterface } from "../packets/network.js";

/** A frame, and the interface that it came in or went out by. */
export interface Passage {
  readonly by: NetworkInterface["name"];
  readonly bytes: Uint8Array;
}

/** What followed from one step. */
export interface Outcome {
  /** Since the script began; for a look, when it was looked. */
  readonly milliseconds: number;
  /** A command's text, on both streams, and its exit status. */
  readonly printed?: string;
  readonly status?: number;
  /** The frames that the step became; none where there was nobody to send them. */
  readonly received?: readonly Passage[];
  /** What the director sent because of it, in order; or it left them to the stack. */
  readonly sent?: readonly Passage[] | "stack";
  /** What a stack that has no services sends because of it. IPVS is a part of a stack: "left to it" shows only so. */
  readonly sentByStack?: readonly Passage[];
}

export type Transcript = readonly Outcome[];

/** One line of JSON; frames in hexadecimal. */
export const encodeTranscript = (transcript: Transcript): string =>
  JSON.stringify(transcript, (_key, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));

export const decodeTranscript = (line: string): Transcript =>
  JSON.parse(line, (key, value: unknown) => (key === "bytes" ? new Uint8Array(Buffer.from(value as string, "hex")) : value)) as Transcript;
