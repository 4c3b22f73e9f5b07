// Command lines that are nearly weir's, of real processes in a network namespace without interfaces: each ends, with a status that is documented, and what fails
// says why. And command lines of ipvsadm's program, so that what stands around it is met too.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Random } from "../packets/random.js";
import { Outcomes, assertClear } from "./judge.js";

const COMMANDS = ["up", "apply", "apply --check", "plan", "import keepalived", "import ldirectord", "import ipvsadm", "import nosuch", "schema", "down", "status", "proc", "sysctl", "man", "completion", "help", "realserver", "lab"];
const WORDS = [
  "", "-", "--", "-h", "--help", "--version", "/nonexistent/weir.yaml", "/dev/null", "/", "/proc/self/mem", "package.json", "ip_vs", "ip_vs_stats", "drop_entry", "drop_entry=9", "nosuch=1", "conn_reuse_mode=x", "weir.yaml", "ipvsadm",
  "bash", "zsh", "--no-such", "--method", "status", "up", "--vip", "10.0.0.256", "a".repeat(5000), "💥", "%s", "__proto__", "--config-id", "--root",
];
/** Usage and mistakes 2, all else that fails 1. */
const STATUSES = [0, 1, 2];
const SECONDS_MAX = 20;

export interface Place {
  readonly namespace: string;
  /** WEIR_STATE. */
  readonly state: string;
  readonly project: string;
}

export function fuzzWeirProcesses(seed: number, count: number, { namespace, state, project }: Place): void {
  const random = new Random(seed);
  const outcomes = new Outcomes();
  for (let i = 0; i < count; i++) {
    const words = random.percent(75)
      ? ["bin/weir", ...(random.percent(90) ? random.pick(COMMANDS).split(" ") : []), ...Array.from({ length: random.below(3) }, () => random.pick(WORDS))]
      : ["bin/ipvsadm", random.pick(["-L", "-Ln", "-A", "-D", "-R", "--set", "-S", "-Z"]), ...Array.from({ length: random.below(3) }, () => random.pick(WORDS))];
    // `lab` without a mistake would build its networks, and `-S` and the like go by what is there.
    if (words[1] === "lab") words.splice(2, words.length, "nosuch");
    const what = `process ${i}: ${JSON.stringify(words)}`;
    const run = spawnSync("ip", ["netns", "exec", namespace, process.execPath, ...words], { cwd: project, encoding: "utf8", input: "", timeout: SECONDS_MAX * 1000, env: { ...process.env, WEIR_STATE: state } });
    assert.equal(run.error, undefined, what);
    assert.ok(run.status === 255 || STATUSES.includes(run.status!), `${what}: status ${run.status}\n${run.stderr}`);
    outcomes.add(run.status === 0 ? "done" : "refused");
    if (run.status !== 0) assertClear(`${run.stderr}${run.stdout}`, what);
    else assert.equal(run.stderr, "", what);
  }
  outcomes.assertCommon(["done", "refused"], count / 20);
}
