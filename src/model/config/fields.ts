// Reads one mapping of the configuration by its zod schema. Every mistake is noted at its place; the fields that are
// right are returned all the same, so that rules across fields still speak about them.

import type { z } from "zod";
import type { ConfigPath } from "./error.js";
import type { IssueList } from "./source.js";
import { nearest } from "../suggest.js";

export type Fields<S extends z.ZodObject> = Partial<z.output<S>>;

/** `value` undefined: the mapping is not there, and need not be. */
export function readFields<S extends z.ZodObject>(schema: S, value: unknown, path: ConfigPath, issues: IssueList): Fields<S> {
  if (value === undefined) return {};
  const keys = Object.keys(schema.shape);
  if (!isMapping(value)) {
    const found = path.length === 0 && value === null ? "the file is empty" : `${show(value)} is not a mapping`;
    issues.add(path, `${found}; its keys may be ${keys.join(", ")}`);
    for (const key of keys) issues.explain([...path, key]);
    return {};
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data as Fields<S>;

  const wrong = new Set<PropertyKey>();
  for (const issue of result.error.issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) unknownKey(key, issue.path.length === 0 ? keys : keysOf(fieldAt(schema, issue.path)), [...path, ...issue.path as (string | number)[]], issues);
      if (issue.path.length > 0) wrong.add(issue.path[0]!);
      continue;
    }
    // A number may be no whole one and too large: it is one mistake.
    const isSaid = wrong.has(issue.path[0] as string) && issue.path.length === 1;
    wrong.add(issue.path[0] as string);
    if (isSaid) continue;
    const place = issue.path as (string | number)[];
    issues.add([...path, ...place], wrongValue(issue, valueAt(value, place), schema));
  }
  return Object.fromEntries(keys.filter((key) => key in value && !wrong.has(key)).map((key) => [key, value[key]])) as Fields<S>;
}

function unknownKey(key: string, keys: readonly string[], path: ConfigPath, issues: IssueList): void {
  issues.add([...path, key], `is not a key here; ${remedy(key, keys)}`, "key");
  const meant = nearest(key, keys);
  if (meant !== undefined) issues.explain([...path, meant]);
}

function wrongValue(issue: z.core.$ZodIssue, found: unknown, schema: z.ZodObject): string {
  if (found === undefined) return `is missing; give ${describe(schema, issue)}`;
  if (found === null) return `has no value; give ${describe(schema, issue)} or leave the key out`;
  if (issue.code === "invalid_value" && typeof found === "string") {
    return `${show(found)} is not known; ${remedy(found, issue.values.map(String))}`;
  }
  return `${show(found)} is not ${describe(schema, issue)}`;
}

function describe(schema: z.ZodObject, issue: z.core.$ZodIssue): string {
  return fieldAt(schema, issue.path).description ?? "valid";
}

/** The innermost schema on the way that says what it is. */
function fieldAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType {
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  const { shape, element } = unwrap(schema) as { readonly shape?: { readonly [key: PropertyKey]: z.ZodType }; readonly element?: z.ZodType };
  const next = shape?.[step] ?? element;
  if (next === undefined) return schema;
  const found = fieldAt(next, rest);
  return found.description === undefined ? next : found;
}

function unwrap(schema: z.ZodType): z.ZodType {
  const { innerType } = schema.def as { readonly innerType?: z.ZodType };
  return innerType === undefined ? schema : unwrap(innerType);
}

const keysOf = (schema: z.ZodType): readonly string[] => Object.keys((unwrap(schema) as { readonly shape?: object }).shape ?? {});

/** "did you mean "wrr"?", or all that would work. */
export function remedy(word: string, candidates: readonly string[]): string {
  const guess = nearest(word, candidates);
  return guess === undefined ? `known are ${candidates.join(", ")}` : `did you mean ${show(guess)}?`;
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (isMapping(value)) return "a mapping";
  if (typeof value === "object") return TAGGED.find(([kind]) => value instanceof kind)?.[1] ?? "a value of another kind";
  if (typeof value === "number" && !Number.isFinite(value)) return Number.isNaN(value) ? ".nan" : value < 0 ? "-.inf" : ".inf";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** What YAML's tags make, none of which a configuration has a use for. */
const TAGGED: readonly (readonly [kind: new (...args: never[]) => object, name: string])[] = [
  [Uint8Array, "binary data (!!binary)"], [Date, "a point in time (!!timestamp)"], [Set, "a set (!!set)"], [Map, "an ordered mapping (!!omap)"],
];

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as null);
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((inner, step) => (inner as Record<string | number, unknown> | undefined)?.[step], value);
}
