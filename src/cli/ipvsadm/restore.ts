// The commands that -R reads: one a line, words between blanks. There are no quotes and no comments; a word "ipvsadm" is
// passed over wherever it stands.
// LVS differs: a last line that ends in two or more blanks and no newline is carried out; the real one loses it.

import { readSync } from "node:fs";

export function splitCommand(line: string): string[] {
  return line.split(/[ \t\r]+/).filter((word) => word !== "" && word !== "ipvsadm");
}

const CHUNK_BYTES = 65536;

/** Lines as they come, so that commands typed by hand take effect one by one. A closed input has none. */
export function* readLines(fd: number): Generator<string> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const decoder = new TextDecoder();
  let pending = "";
  for (let length = readChunk(fd, chunk); length > 0; length = readChunk(fd, chunk)) {
    const lines = (pending + decoder.decode(chunk.subarray(0, length), { stream: true })).split("\n");
    pending = lines.pop() ?? "";
    yield* lines;
  }
  if (pending !== "") yield pending;
}

const POLL_MILLISECONDS = 10;

/** 0 at the end. An input that another program made non-blocking is asked again until it has something. */
function readChunk(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EBADF" || code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MILLISECONDS);
    }
  }
}
