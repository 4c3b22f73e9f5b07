// The shells' completion, asked of the shells themselves: what would be offered behind a command line.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createProgram } from "#cli/weir/commands.js";
import type { Completed, Shell } from "#cli/weir/completion/scripts.js";
import { completionScript, SHELLS } from "#cli/weir/completion/scripts.js";
import { optionsOf } from "#cli/ipvsadm/meanings.js";
import { OPTIONS } from "#cli/ipvsadm/options.js";
import { leaves, visibleCommands, visibleOptions } from "#cli/weir/manual/weir-page.js";
import { SCHEDULERS } from "#model/config/schema.js";

const program = createProgram();
const folder = mkdtempSync(join(tmpdir(), "weir-completion-"));
after(() => rmSync(folder, { recursive: true, force: true }));

mkdirSync(join(folder, "bin"));
/** What stands, as ipvsadm tells it. */
writeFileSync(join(folder, "bin/ipvsadm"), `#!/bin/sh
echo "-A -t 10.0.0.100:80 -s rr
-a -t 10.0.0.100:80 -r 192.168.1.11:8080 -m -w 1
-a -t 10.0.0.100:80 -r 192.168.1.12:8080 -m -w 1
-A -t [fd00::100]:443 -s rr
-A -u 10.0.0.100:53 -s rr
-a -u 10.0.0.100:53 -r 192.168.1.13:53 -m -w 1
-A -f 7 -s wlc"
`, { mode: 0o755 });
writeFileSync(join(folder, "web.yaml"), "");

const script = (shell: Shell, name: Completed): string => {
  const file = join(folder, `${name}.${shell}`);
  writeFileSync(file, completionScript(shell, name, program));
  return file;
};

function run(shell: string, args: readonly string[]): readonly string[] {
  const { stdout, stderr, status, error } = spawnSync(shell, args, { encoding: "utf8", cwd: folder, env: { ...process.env, HOME: folder, PATH: `${join(folder, "bin")}:${process.env.PATH}` } });
  assert.equal(error, undefined);
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return stdout.split("\n").filter((line) => line !== "").sort();
}

/** As bash takes a line apart; the last word is the one to be completed. */
const bashWords = (line: string): readonly string[] => line.split(" ").flatMap((word) => (word === "" ? [""] : word.split(/([:=]+)/).filter((part) => part !== "")));

function bash(name: Completed, line: string): readonly string[] {
  const words = bashWords(line);
  return run("bash", ["--norc", "-c", `source "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _${name}; printf '%s\\n' "\${COMPREPLY[@]}"`, "bash", script("bash", name), ...words]);
}

/** Its completion system is there only where someone types: what it would be told is printed instead. */
function zsh(name: Completed, line: string): readonly string[] {
  const told = `compadd() { shift; print -rl -- "$@" }; _describe() { print -rl -- "\${(@P)argv[-1]}" }; _files() { print -rl -- *(N) }; compset() { true }`;
  return run("zsh", ["-f", "-c", `${told}; file=$1; shift; words=("$@"); CURRENT=$#; source $file`, "zsh", script("zsh", name), ...line.split(" ")]);
}

function fish(name: Completed, line: string): readonly string[] {
  return run("fish", ["--no-config", "-c", `source ${script("fish", name)}; complete -C '${line}'`]).map((offered) => offered.split("\t")[0]!);
}

const lacks = (shell: string): string | undefined => (spawnSync(shell, ["--version"]).error === undefined ? undefined : `${shell} is not installed`);
const commands = visibleCommands(program).map((command) => command.name()).sort();
const longs = (path: string): readonly string[] => visibleOptions(leaves(program).find((leaf) => leaf.path === path)!.command).map(({ long }) => long!);

describe("bash", { skip: lacks("bash") }, () => {
  test("offers weir's commands, and those of realserver", () => {
    assert.deepEqual(bash("weir", "weir "), commands);
    assert.deepEqual(bash("weir", "weir sta"), ["status"]);
    assert.deepEqual(bash("weir", "weir realserver "), ["down", "status", "up"]);
    assert.deepEqual(bash("weir", "weir status "), []);
  });

  test("offers every command's options", () => {
    for (const { path } of leaves(program)) {
      for (const long of longs(path)) assert.ok(bash("weir", `weir ${path} --`).includes(long), `${path} ${long}`);
    }
  });

  test("offers what an option or an argument may be", () => {
    assert.deepEqual(bash("weir", "weir realserver up --vip 10.0.0.100 --method "), ["dr", "nat", "tun"]);
    assert.deepEqual(bash("weir", "weir realserver up --method=t"), ["tun"]);
    assert.deepEqual(bash("weir", "weir realserver up --vip fd00::1 --method d"), ["dr"]);
    assert.deepEqual(bash("weir", "weir realserver up --device "), [...readdirSync("/sys/class/net")].sort());
    assert.deepEqual(bash("weir", "weir proc ip_vs_s"), ["ip_vs_stats", "ip_vs_stats_percpu"]);
    assert.deepEqual(bash("weir", "weir plan web"), ["web.yaml"]);
    assert.deepEqual(bash("weir", "weir plan web.yaml "), []);
    assert.deepEqual(bash("weir", "weir lab nat d"), ["dr"]);
    assert.deepEqual(bash("weir", "weir completion bash i"), ["ipvsadm"]);
    assert.deepEqual(bash("weir", "weir sysctl drop_"), ["drop_entry", "drop_packet"]);
  });

  test("offers ipvsadm's commands, and with each the options that go with it", () => {
    assert.deepEqual(bash("ipvsadm", "ipvsadm --").length, new Set(OPTIONS.filter(({ command }) => command !== undefined).map(({ long }) => long)).size);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -A --"), optionsOf("add-service").map(({ long }) => `--${long}`).sort());
    assert.deepEqual(bash("ipvsadm", "ipvsadm -Ln --per"), ["--persistent-conn"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm --save "), ["--numeric", "-n"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -A -t 10.0.0.1:80 -s "), [...SCHEDULERS].sort());
    assert.deepEqual(bash("ipvsadm", "ipvsadm --start-daemon "), ["backup", "master"]);
  });

  test("offers the services and servers that stand, behind the colon that bash stops at", () => {
    assert.deepEqual(bash("ipvsadm", "ipvsadm -D -t "), ["10.0.0.100:80", "[fd00::100]:443"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -D -t 10.0.0.100:"), ["80"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -D -t [fd00::1"), ["100]:443"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -D -u 10"), ["10.0.0.100:53"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -L -f "), ["7"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -d -t 10.0.0.100:80 -r "), ["192.168.1.11:8080", "192.168.1.12:8080"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -dt 10.0.0.100:80 -r 192.168.1.12:"), ["8080"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -e --udp-service 10.0.0.100:53 --real-server "), ["192.168.1.13:53"]);
    assert.deepEqual(bash("ipvsadm", "ipvsadm -A -t "), []);
  });
});

describe("zsh", { skip: lacks("zsh") }, () => {
  test("is told commands and options with what they are for", () => {
    assert.deepEqual(zsh("weir", "weir ").map((line) => line.split(":")[0]), commands);
    for (const { path } of leaves(program)) {
      const offered = zsh("weir", `weir ${path} -`).map((line) => line.split(":")[0]);
      for (const long of longs(path)) assert.ok(offered.includes(long), `${path} ${long}`);
    }
    assert.ok(zsh("weir", "weir ").includes(`down:${visibleCommands(program).find((one) => one.name() === "down")!.description().replaceAll(":", "\\:")}`));
  });

  test("is told what an option or an argument may be", () => {
    assert.deepEqual(zsh("weir", "weir realserver up --vip fd00::1 --method "), ["dr", "nat", "tun"]);
    assert.deepEqual(zsh("weir", "weir realserver up --method="), ["dr", "nat", "tun"]);
    assert.deepEqual(zsh("weir", "weir lab nat "), ["dr", "nat", "tun"]);
    assert.ok(zsh("weir", "weir plan ").includes("web.yaml"));
    assert.deepEqual(zsh("weir", "weir plan web.yaml "), []);
  });

  test("is told the services and servers that stand", () => {
    assert.deepEqual(zsh("ipvsadm", "ipvsadm -D -t "), ["10.0.0.100:80", "[fd00::100]:443"]);
    assert.deepEqual(zsh("ipvsadm", "ipvsadm -dt 10.0.0.100:80 -r "), ["192.168.1.11:8080", "192.168.1.12:8080"]);
    assert.deepEqual(zsh("ipvsadm", "ipvsadm --save ").map((line) => line.split(":")[0]), ["--numeric", "-n"]);
  });
});

describe("fish", { skip: lacks("fish") }, () => {
  test("offers commands, options and what they may be", () => {
    assert.deepEqual(fish("weir", "weir "), commands);
    assert.deepEqual(fish("weir", "weir realserver "), ["down", "status", "up"]);
    assert.deepEqual(fish("weir", "weir realserver up --vip fd00::1 --method "), ["dr", "nat", "tun"]);
    assert.deepEqual(fish("weir", "weir completion bash "), ["ipvsadm", "weir"]);
    assert.deepEqual(fish("weir", "weir plan web"), ["web.yaml"]);
    for (const { path } of leaves(program)) {
      const offered = fish("weir", `weir ${path} --`);
      for (const long of longs(path)) assert.ok(offered.includes(long), `${path} ${long}`);
    }
  });

  test("offers ipvsadm's options, and the services and servers that stand", () => {
    assert.deepEqual(fish("ipvsadm", "ipvsadm --save --"), ["--numeric"]);
    assert.deepEqual(fish("ipvsadm", "ipvsadm -D -t "), ["10.0.0.100:80", "[fd00::100]:443"]);
    assert.deepEqual(fish("ipvsadm", "ipvsadm -d -t 10.0.0.100:80 -r "), ["192.168.1.11:8080", "192.168.1.12:8080"]);
  });
});

test("weir completion prints the scripts", () => {
  for (const shell of SHELLS) {
    const { stdout, status } = spawnSync(process.execPath, [join(import.meta.dirname, "../../../../bin/weir"), "completion", shell, "ipvsadm"], { encoding: "utf8" });
    assert.deepEqual({ stdout, status }, { stdout: completionScript(shell, "ipvsadm", program), status: 0 });
  }
});
