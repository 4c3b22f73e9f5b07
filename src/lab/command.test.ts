import assert from "node:assert/strict";
import { test } from "node:test";
import { must, requireTools, run } from "./command.js";

test("a program's output and exit status are told", async () => {
  assert.deepEqual(await run(["sh", "-c", "cat; echo no >&2; exit 3"], { input: "yes" }), { status: 3, stdout: "yes", stderr: "no\n" });
});

test("a program that takes too long is killed", async () => {
  assert.equal((await run(["sleep", "10"], { timeoutMilliseconds: 50 })).status, 128 + 9);
});

test("a program that must succeed and does not is an error with its input and its message", async () => {
  await assert.rejects(must(["sh", "-c", "echo bad line 1 >&2; exit 1"], { input: "netns add x" }), {
    code: "COMMAND_FAILED",
    message: "Cannot run `sh -c echo bad line 1 >&2; exit 1`: exit status 1, bad line 1\nits input was:\nnetns add x",
  });
});

test("a program that is not there is an error", async () => {
  await assert.rejects(run(["weir-no-such-program"]), /Cannot run weir-no-such-program: .*ENOENT/);
});

test("missing tools are named with the command that installs them", () => {
  assert.throws(() => requireTools(["ip", "ethtool"], "/nowhere:/neither"), {
    code: "TOOL_MISSING",
    message: "The laboratory needs `ip` and `ethtool`, not found in PATH; install with: apt-get install iproute2 ethtool",
  });
});
