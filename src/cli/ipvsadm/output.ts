// A stream of this process, written in large pieces and without Node's own buffering, so that the process may end at once.

import { writeSync } from "node:fs";

const PIECE_CHARACTERS = 65536;
const POLL_MILLISECONDS = 1;
/** What a shell reports for a program that SIGPIPE ended. Node ignores that signal. */
const STATUS_SIGPIPE = 128 + 13;

export class Output {
  readonly #fd: number;
  #pending: string[] = [];
  #characters = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(text: string): void {
    this.#pending.push(text);
    this.#characters += text.length;
    if (this.#characters >= PIECE_CHARACTERS) this.flush();
  }

  flush(): void {
    let bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#characters = 0;
    while (bytes.length > 0) bytes = bytes.subarray(this.#writeSome(bytes));
  }

  /** How much of it was taken. What cannot be written anywhere (a closed stream, a full disk) counts as written, as in C. */
  #writeSome(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") process.exit(STATUS_SIGPIPE);
      if (code !== "EAGAIN") return bytes.length;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MILLISECONDS);
      return 0;
    }
  }
}
