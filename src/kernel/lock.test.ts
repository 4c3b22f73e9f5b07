import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { KernelError } from "./errors.js";
import { lock, withLock } from "./lock.js";

const directory = mkdtempSync(join(tmpdir(), "weir-lock-"));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, "lock");

const locked = (pid: number) => (error: unknown) => {
  assert.ok(error instanceof KernelError && error.code === "LOCKED");
  assert.match(error.message, new RegExp(`^Cannot lock ${path}: process ${pid} \\(.+\\) has held it for 0.05 seconds; `));
  return true;
};

test("a second exclusive lock waits, then names the holder", () => {
  const first = lock(path);
  assert.throws(() => lock(path, { timeoutSeconds: 0.05 }), locked(process.pid));
  first.release();
  lock(path, { timeoutSeconds: 0 }).release();
});

test("shared locks stand beside each other and exclude an exclusive one", () => {
  const shared = [lock(path, { mode: "shared" }), lock(path, { mode: "shared" })];
  assert.throws(() => lock(path, { timeoutSeconds: 0.05 }), locked(process.pid));
  for (const held of shared) held.release();
});

test("withLock() releases when its work throws", () => {
  assert.throws(() => withLock(path, () => { throw new Error("work"); }), /work/);
  lock(path, { timeoutSeconds: 0 }).release();
});

test("a lock held by another process is named by its pid, and goes when that process is killed", async () => {
  const script = `import { lock } from ${JSON.stringify(new URL("./lock.js", import.meta.url).href)}; lock(process.argv[1]); console.log("held"); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  assert.throws(() => lock(path, { timeoutSeconds: 0.05 }), locked(holder.pid!));
  holder.kill("SIGKILL");
  await once(holder, "exit");
  lock(path, { timeoutSeconds: 1 }).release();
});
