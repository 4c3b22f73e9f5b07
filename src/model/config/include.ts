// A configuration in several files: what `include` names is read as if it stood in the file itself. Lists are joined in the order of
// the files, what includes before what is included; any other key stands in one file only.

import type { ConfigIssue, ConfigPath } from "./error.js";
import { ConfigError, formatPath } from "./error.js";
import { isMapping, show } from "./fields.js";
import type { ConfigSource, Place, SourceOptions } from "./source.js";
import { readSource } from "./source.js";

/** The files that a pattern names, seen from the file that includes them, in order. Throws an Error that says why there are none. */
export type ReadIncluded = (pattern: string, from: string) => readonly { readonly file: string; readonly text: string }[];

/** Keys whose lists are joined. */
const JOINED = ["services", "interfaces", "addresses", "marks"];

/** Read together; files that include each other several times become more without measure. */
const FILES_MAX = 1000;

/** Throws ConfigError when one of the texts is not YAML or cannot be included, with the mistakes of all files. */
export function readSources(text: string, file: string, options: SourceOptions, readIncluded: ReadIncluded | undefined): ConfigSource {
  const reader = new Reader(options, readIncluded);
  reader.read(text, file, []);
  reader.throwIfAny(file);
  return join(reader.sources, reader.origins);
}

/** Where a top-level key, or an element of a joined list, stands. */
type Origin = readonly [source: ConfigSource, path: ConfigPath];

class Reader {
  readonly sources: ConfigSource[] = [];
  /** By formatPath of the joined path. */
  readonly origins = new Map<string, Origin>();
  readonly #issues: ConfigIssue[] = [];
  readonly #counts = new Map<string, number>();
  #files = 0;

  constructor(private readonly options: SourceOptions, private readonly readIncluded: ReadIncluded | undefined) {}

  /** `within`: the files that include this one. */
  read(text: string, file: string, within: readonly string[]): void {
    let source: ConfigSource;
    try {
      source = readSource(text, file, this.options);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#issues.push(...error.issues);
      return;
    }
    this.sources.push(source);
    if (!isMapping(source.value)) return;
    for (const key of Object.keys(source.value)) this.#note(key, source);
    if (source.value.include !== undefined) this.#include(source.value.include, source, [...within, file]);
  }

  throwIfAny(file: string): void {
    if (this.#issues.length > 0) throw new ConfigError(file, this.#issues);
  }

  #note(key: string, source: ConfigSource): void {
    const value = (source.value as Record<string, unknown>)[key];
    const first = this.origins.get(key);
    if (key === "include") return;
    if (JOINED.includes(key) && Array.isArray(value)) {
      const before = this.#counts.get(key) ?? 0;
      for (const i of value.keys()) this.origins.set(formatPath([key, before + i]), [source, [key, i]]);
      this.#counts.set(key, before + value.length);
    } else if (first !== undefined) {
      const { file, line } = first[0].place(first[1], "key");
      this.#mistake(source, [key], `stands in ${file}:${line} too; keep one of them`);
    }
    if (first === undefined) this.origins.set(key, [source, [key]]);
  }

  #include(value: unknown, source: ConfigSource, within: readonly string[]): void {
    const patterns = typeof value === "string" ? [value] : value;
    if (!Array.isArray(patterns)) return this.#mistake(source, ["include"], `${show(value)} is not a list of files`);
    for (const [i, pattern] of patterns.entries()) this.#includePattern(pattern, source, typeof value === "string" ? ["include"] : ["include", i], within);
  }

  #includePattern(pattern: unknown, source: ConfigSource, path: ConfigPath, within: readonly string[]): void {
    if (typeof pattern !== "string" || pattern === "") return this.#mistake(source, path, `${show(pattern)} is not the name of a file`);
    if (this.readIncluded === undefined) return this.#mistake(source, path, "files cannot be included here; put their content in place of their names");
    try {
      for (const included of this.readIncluded(pattern, source.file)) {
        if (within.includes(included.file)) this.#mistake(source, path, `${included.file} includes itself: ${[...within, included.file].join(" includes ")}; take one away`);
        else if (++this.#files <= FILES_MAX) this.read(included.text, included.file, within);
        else if (this.#files === FILES_MAX + 1) this.#mistake(source, path, `more than ${FILES_MAX} files are included; is one included again and again?`);
      }
    } catch (error) {
      this.#mistake(source, path, (error as Error).message);
    }
  }

  #mistake(source: ConfigSource, path: ConfigPath, message: string): void {
    this.#issues.push({ ...source.place(path), path: formatPath(path), message });
  }
}

function join(sources: readonly ConfigSource[], origins: ReadonlyMap<string, Origin>): ConfigSource {
  const [main] = sources;
  if (main === undefined || !isMapping(main.value)) return main!;
  return {
    file: main.file,
    value: joinValues(sources.map(({ value }) => value)),
    place: (path, part): Place => {
      const [source, own] = originOf(path, origins) ?? [main, path];
      return source.place(own, part);
    },
  };
}

function joinValues(values: readonly unknown[]): unknown {
  const joined = new Map<string, unknown>();
  for (const value of values) {
    for (const [key, held] of Object.entries(isMapping(value) ? value : {})) {
      const before = joined.get(key);
      if (key !== "include") joined.set(key, Array.isArray(before) && Array.isArray(held) ? [...before, ...held] : held);
    }
  }
  // So that a key like "__proto__" is one among others, and refused as such.
  return Object.fromEntries(joined);
}

function originOf(path: ConfigPath, origins: ReadonlyMap<string, Origin>): Origin | undefined {
  for (const length of [2, 1]) {
    const origin = path.length >= length ? origins.get(formatPath(path.slice(0, length))) : undefined;
    if (origin !== undefined) return [origin[0], [...origin[1], ...path.slice(length)]];
  }
  return undefined;
}
