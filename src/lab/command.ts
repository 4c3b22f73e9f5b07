// Runs other programs: iproute2 and ethtool for the laboratory itself, anything else for tests.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { constants as osConstants } from "node:os";
import { delimiter, join } from "node:path";
import { LabError } from "./errors.js";

export interface CommandResult {
  /** Exit status; 128 + the signal's number when a signal ended it, as a shell reports it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** After so long it is killed. */
  readonly timeoutMilliseconds?: number;
}

/** No command of the laboratory takes longer; one that does hangs. */
const COMMAND_MILLISECONDS_MAX = 60_000;

/** Debian's package for each program that the laboratory runs. */
const PACKAGES = { ip: "iproute2", ethtool: "ethtool", nft: "nftables" } as const;
export type Tool = keyof typeof PACKAGES;

/** Runs a program to its end. Its exit status is the caller's business; a program that cannot be started is an error. */
export function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...options.environment },
      timeout: options.timeoutMilliseconds ?? COMMAND_MILLISECONDS_MAX,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => { stdout += text; });
    child.stderr.setEncoding("utf8").on("data", (text: string) => { stderr += text; });
    // A program may end without reading its input.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.on("error", (cause) => reject(new LabError("COMMAND_FAILED", `Cannot run ${program}: ${cause.message}`, { cause })));
    child.on("close", (code, signal) => {
      resolve({ status: code ?? 128 + signalNumber(signal), stdout, stderr });
    });
  });
}

/** Runs a program that must succeed. */
export async function must(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status === 0) return stdout;
  const input = options.input === undefined ? "" : `\nits input was:\n${options.input.trimEnd()}`;
  throw new LabError("COMMAND_FAILED", `Cannot run \`${argv.join(" ")}\`: exit status ${status}, ${stderr.trim() || "without a message"}${input}`);
}

/** Throws a message with the apt-get command when one of the programs is not installed. */
export function requireTools(tools: readonly Tool[], searchPath = process.env["PATH"] ?? ""): void {
  const missing = tools.filter((tool) => !searchPath.split(delimiter).some((folder) => isExecutable(join(folder, tool))));
  if (missing.length === 0) return;
  const names = missing.map((tool) => `\`${tool}\``).join(" and ");
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))].join(" ");
  throw new LabError("TOOL_MISSING", `The laboratory needs ${names}, not found in PATH; install with: apt-get install ${packages}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : osConstants.signals[signal];
}
