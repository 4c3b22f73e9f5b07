// Command lines as popt 1.19 reads them: options and other arguments in any order, short options in clusters ("-Lcn"),
// values behind a space, an "=" or (for short ones) at once. Long names are never abbreviated.
// LVS differs: popt puts the next argument in the place of "!#:+" in a value; here these are four ordinary characters.

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** "optional": the next argument is the value unless it begins with "-". Absent: the option has none. */
  readonly value?: "required" | "optional";
}

export interface ScannedOption<Spec extends OptionSpec> {
  readonly spec: Spec;
  readonly value: string | undefined;
}

/** "-q: unknown option": the argument taken last, and what popt says of it. */
export class ScanError extends Error {
  override readonly name = "ScanError";
}

export class OptionScanner<Spec extends OptionSpec> {
  /** Arguments that are no options. */
  readonly rest: string[] = [];
  readonly #args: readonly string[];
  readonly #specs: readonly Spec[];
  #next = 0;
  /** What is left of a cluster; "" is there when "-t=" came last. */
  #cluster: string | undefined;
  #optionsEnded = false;

  constructor(args: readonly string[], specs: readonly Spec[]) {
    this.#args = args;
    this.#specs = specs;
  }

  /** The argument taken last: what messages about an option name. */
  get lastArgument(): string {
    return this.#args[this.#next - 1] ?? "";
  }

  /** The next option, or undefined at the end. */
  next(): ScannedOption<Spec> | undefined {
    if (this.#cluster !== undefined) return this.#takeShort(this.#cluster);
    while (this.#next < this.#args.length) {
      const argument = this.#args[this.#next++]!;
      if (this.#optionsEnded || !argument.startsWith("-") || argument === "-") this.rest.push(argument);
      else if (argument === "--") this.#optionsEnded = true;
      else if (argument.startsWith("--")) return this.#takeLong(argument.slice(2));
      else return this.#takeShort(argument.slice(1));
    }
    return undefined;
  }

  #takeLong(text: string): ScannedOption<Spec> {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    const spec = this.#specs.find(({ long }) => long === name);
    return this.#withValue(spec, at < 0 ? undefined : text.slice(at + 1));
  }

  /** The first letter of a cluster; its rest is the value of an option that has one. */
  #takeShort(cluster: string): ScannedOption<Spec> {
    const spec = this.#specs.find(({ short }) => short === cluster[0]);
    const hasEquals = cluster[1] === "=";
    this.#cluster = cluster.length > 1 ? cluster.slice(hasEquals ? 2 : 1) : undefined;
    if (spec?.value === undefined) return this.#withValue(spec, hasEquals ? "" : undefined);
    const value = this.#cluster;
    this.#cluster = undefined;
    return this.#withValue(spec, value);
  }

  #withValue(spec: Spec | undefined, attached: string | undefined): ScannedOption<Spec> {
    if (spec === undefined) throw this.#error("unknown option");
    if (spec.value === undefined && attached !== undefined) throw this.#error("option does not take an argument");
    if (spec.value === undefined || attached !== undefined) return { spec, value: attached };
    const following = this.#args[this.#next];
    if (spec.value === "optional" && (following === undefined || following.startsWith("-"))) return { spec, value: undefined };
    if (following === undefined) throw this.#error("missing argument");
    this.#next++;
    return { spec, value: following };
  }

  #error(message: string): ScanError {
    return new ScanError(`${this.lastArgument}: ${message}`);
  }
}
