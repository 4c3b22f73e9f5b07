// Lines for standard output, many at a time: a file of 10,000 services changes 110,000 things, each of them a line, and a call for each is a second.

const LINES_AT_ONCE = 1000;

export class Lines {
  readonly #waiting: string[] = [];
  #count = 0;

  /** Of those that were added. */
  get count(): number {
    return this.#count;
  }

  add(line: string): void {
    this.#count++;
    if (this.#waiting.push(line) === LINES_AT_ONCE) this.flush();
  }

  flush(): void {
    if (this.#waiting.length > 0) console.log(this.#waiting.splice(0).join("\n"));
  }
}
