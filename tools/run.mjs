#!/usr/bin/env node
// The one entry of npm's scripts: installs what the lock file names when it changed, builds what changed, then runs.
//   node tools/run.mjs start|test|test:all|build|bench|conformance|docs [ARGS...]

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command = "build", ...args] = process.argv.slice(2);

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`weir needs Node 20.19 or later; this is ${process.versions.node}`);

install();
if (command === "build") { build(); process.exit(0); }
build();
if (command === "start") run(process.execPath, ["dist/cli/weir.js", "lab", ...args]);
else if (command === "test") test(args.length > 0 ? args : testFiles().filter((file) => !file.endsWith(".long.test.js")));
else if (command === "test:all") test(testFiles());
else if (command === "bench") run(process.execPath, ["dist/out/bench/bench.js", ...args]);
else if (command === "conformance") run(process.execPath, ["dist/out/test/conformance/conformance.js", ...args]);
else if (command === "docs") run(process.execPath, ["dist/cli/weir/manual/write.js", "documents"]);
else fail(`no command ${command}; there are start, test, test:all, build, bench, conformance and docs`);

/** Installs when package-lock.json is not the one that was installed last. */
function install() {
  const stamp = join(root, "node_modules", ".weir-lock");
  const wanted = createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("weir: installing dependencies from package-lock.json");
  step("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
  writeFileSync(stamp, wanted);
}

/** The TypeScript compiler decides what to redo; it keeps its own records in dist/. Then the manual, which the package takes along. */
function build() {
  mkdirSync(join(root, "dist"), { recursive: true });
  step(process.execPath, ["node_modules/typescript/bin/tsc", "-b"]);
  step(process.execPath, ["dist/cli/weir/manual/write.js", "manual"]);
}

function testFiles() {
  const found = [];
  for (const folder of ["dist"]) {
    for (const entry of readdirSync(join(root, folder), { recursive: true })) {
      if (entry.endsWith(".test.js")) found.push(join(folder, entry));
    }
  }
  return found.sort();
}

function test(files) {
  run(process.execPath, ["--test", "--test-concurrency=2", ...files]);
}

function step(program, argv) {
  const { status, error } = spawnSync(program, argv, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error) fail(`cannot run ${program}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function run(program, argv) {
  const { status, signal } = spawnSync(program, argv, { cwd: root, stdio: "inherit" });
  process.exit(signal ? 1 : status ?? 1);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
