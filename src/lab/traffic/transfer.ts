// A long download that the test holds in its hands: it can pause it in the middle, do something to the director, let it
// go on, and know at the end that not a byte was lost.

import { createHash, type Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { bodyDigest } from "./body.js";
import { send, type Target } from "./http-client.js";

export interface TransferOptions extends Omit<Target, "path"> {
  /** More than both ends' socket buffers hold, so that a pause is felt by the server: default 64 MB. */
  readonly bytes?: number;
}

export interface TransferResult {
  readonly server: string;
  readonly bytes: number;
  readonly intact: boolean;
}

const BYTES = 64_000_000;

export class Transfer {
  readonly #response: IncomingMessage;
  readonly #bytes: number;
  readonly #hash: Hash = createHash("sha256");
  readonly #finished: Promise<void>;
  #received = 0;

  static async open(options: TransferOptions): Promise<Transfer> {
    const bytes = options.bytes ?? BYTES;
    return new Transfer(await send({ ...options, path: `/bytes/${bytes}` }, { agent: false }), bytes);
  }

  private constructor(response: IncomingMessage, bytes: number) {
    this.#response = response;
    this.#bytes = bytes;
    // A paused transfer is not a stuck one.
    response.socket.setTimeout(0);
    response.on("data", (chunk: Buffer) => {
      this.#hash.update(chunk);
      this.#received += chunk.length;
    });
    this.#finished = new Promise((resolve, reject) => {
      response.on("end", resolve).on("error", reject);
    });
    this.#finished.catch(() => undefined);
    response.pause();
  }

  get received(): number {
    return this.#received;
  }

  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  /** Lets it run to its end. */
  async finish(options: { readonly timeoutMilliseconds: number }): Promise<TransferResult> {
    const timer = setTimeout(() => {
      this.#response.destroy(new Error(`the transfer stands at ${this.#received} of ${this.#bytes} bytes after ${options.timeoutMilliseconds} ms`));
    }, options.timeoutMilliseconds);
    this.#response.resume();
    await this.#finished.finally(() => clearTimeout(timer));
    return {
      server: String(this.#response.headers["server-name"] ?? ""),
      bytes: this.#received,
      intact: this.#received === this.#bytes && this.#hash.digest("hex") === bodyDigest(this.#bytes),
    };
  }
}
