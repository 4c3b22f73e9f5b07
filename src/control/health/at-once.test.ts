import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { checksAtOnceMax } from "./at-once.js";

test("so many checks are made at once as there are file descriptors for, with some for all else", () => {
  const limits = (soft: string): string => `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${soft.padEnd(20)} 1048576              files     \n`;
  assert.deepEqual(["256", "1024", "2048", "4096", "5120", "524288", "unlimited"].map((soft) => checksAtOnceMax(limits(soft))), [128, 512, 1024, 3072, 4096, 4096, 4096]);
  assert.ok(checksAtOnceMax() >= 16);
});

test("without a file descriptor left nothing is known of a server", () => {
  const program = `
    import { openSync } from "node:fs";
    const { probe } = await import(${JSON.stringify(new URL("./probe.js", import.meta.url).href)});
    const common = { every: 1, timeout: 1, retries: 0, retryDelay: 1, warmup: 0 };
    const checks = [{ type: "tcp", mark: undefined }, { type: "tcp", mark: 1 }, { type: "udp", payload: "", reply: undefined }, { type: "script", command: ["/bin/true"], user: undefined, setsWeight: false }];
    await probe({ type: "tcp", ...common }, { address: "127.0.0.1", port: 1 }, new AbortController().signal);
    console.log("");
    try { for (;;) openSync("/dev/null"); } catch {}
    const verdicts = await Promise.all(checks.map((check) => probe({ ...check, ...common }, { address: "127.0.0.1", port: 1 }, new AbortController().signal)));
    console.log(JSON.stringify(verdicts.map(({ healthy, isUnknown }) => ({ healthy, isUnknown }))), JSON.stringify(verdicts.map(({ detail }) => detail)));`;
  const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -n 128; exec "$0" --input-type=module -e "$1"', process.execPath, program], { encoding: "utf8" });
  assert.match(stdout, /^\n(?:\[(?:\{"healthy":false,"isUnknown":true\},?){4}\])/, stdout + stderr);
});
