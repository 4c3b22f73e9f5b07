// What is wrong with a configuration: every mistake that was found, each at its place in the file.

export type ConfigPath = readonly (string | number)[];

export interface ConfigIssue {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** "services[0].destinations[2].weight"; "" for the file as a whole. */
  readonly path: string;
  /** What was found, then what would work. */
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly file: string, readonly issues: readonly ConfigIssue[]) {
    const count = issues.length === 1 ? "1 mistake" : `${issues.length} mistakes`;
    super([`Cannot use ${file}: ${count}`, ...issues.map(formatIssue)].join("\n"));
  }
}

export function formatIssue(issue: ConfigIssue): string {
  const place = `${issue.file}:${issue.line}:${issue.column}`;
  return issue.path === "" ? `${place}: ${issue.message}` : `${place}: ${issue.path}: ${issue.message}`;
}

export function formatPath(path: ConfigPath): string {
  return path.map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`)).join("");
}
