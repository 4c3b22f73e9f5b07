import assert from "node:assert/strict";
import { test } from "node:test";
import type { OptionSpec } from "./popt.js";
import { OptionScanner, ScanError } from "./popt.js";

const SPECS: readonly OptionSpec[] = [
  { long: "list", short: "L" }, { long: "numeric", short: "n" }, { long: "tcp-service", short: "t", value: "required" },
  { long: "persistent", short: "p", value: "optional" },
];

/** "long=value" of each option, then the rest, or the message of an error. */
function scan(...args: string[]): string[] {
  const scanner = new OptionScanner(args, SPECS);
  const seen: string[] = [];
  try {
    for (let option = scanner.next(); option !== undefined; option = scanner.next()) {
      seen.push(option.value === undefined ? option.spec.long : `${option.spec.long}=${option.value}`);
    }
  } catch (error) {
    assert.ok(error instanceof ScanError);
    return [...seen, error.message];
  }
  return [...seen, ...scanner.rest];
}

test("short options stand in clusters, the last with a value", () => {
  assert.deepEqual(scan("-Lnt10.0.0.1"), ["list", "numeric", "tcp-service=10.0.0.1"]);
  assert.deepEqual(scan("-Lnt", "10.0.0.1"), ["list", "numeric", "tcp-service=10.0.0.1"]);
});

test("a value may follow an equals sign, and be empty", () => {
  assert.deepEqual(scan("-t=a", "--tcp-service=b=c", "-t=", "--tcp-service="), ["tcp-service=a", "tcp-service=b=c", "tcp-service=", "tcp-service="]);
});

test("a required value may begin with a dash, an optional one may not", () => {
  assert.deepEqual(scan("-t", "-n"), ["tcp-service=-n"]);
  assert.deepEqual(scan("-p", "-n", "-p", "60", "-p"), ["persistent", "numeric", "persistent=60", "persistent"]);
});

test("other arguments stand anywhere, and behind -- everything is one", () => {
  assert.deepEqual(scan("a", "-n", "-", "--", "-L", ""), ["numeric", "a", "-", "-L", ""]);
});

test("errors name the argument taken last", () => {
  assert.deepEqual(scan("-nq"), ["numeric", "-nq: unknown option"]);
  assert.deepEqual(scan("--num"), ["--num: unknown option"]);
  assert.deepEqual(scan("--=3"), ["--=3: unknown option"]);
  assert.deepEqual(scan("-Lt"), ["list", "-Lt: missing argument"]);
  assert.deepEqual(scan("-Ln=3"), ["list", "-Ln=3: option does not take an argument"]);
  assert.deepEqual(scan("--numeric=1"), ["--numeric=1: option does not take an argument"]);
});
