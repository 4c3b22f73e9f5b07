// bin/ipvsadm as it is started: from any folder, through a symbolic link, by those who may and those who may not.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../../bin/ipvsadm", import.meta.url));
const isRoot = process.getuid?.() === 0;
const needsRoot = isRoot ? false : "needs root: CAP_NET_ADMIN";
const NOBODY = 65534;

function start(path: string, args: readonly string[], options: { readonly uid?: number; readonly input?: string } = {}) {
  const { stdout, stderr, status } = spawnSync(path, args, { cwd: "/", encoding: "utf8", ...options });
  return { stdout, stderr, status };
}

test("it starts from another folder, and through a symbolic link", { skip: needsRoot }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-bin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const link = join(folder, "ipvsadm");
  symlinkSync(program, link);
  const version = { stdout: "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n", stderr: "", status: 0 };
  assert.deepEqual(start(program, ["--version"]), version);
  assert.deepEqual(start(link, ["--version"]), version);
});

test("wrong use ends with 2 or 255, and says why on stderr", { skip: needsRoot }, () => {
  assert.deepEqual(start(program, ["-A"]), { stdout: "", stderr: "You need to supply the 'service-address' option for the 'add-service' command\n", status: 2 });
  assert.deepEqual(start(program, ["-L", "--bogus"]), { stdout: "", stderr: "--bogus: unknown option\n", status: 255 });
  assert.deepEqual(start(program, ["-R"], { input: "-A -t nonsense:80\n" }), { stdout: "", stderr: "illegal virtual server address[:port] specified\n", status: 2 });
});

test("without privileges nothing is done, not even the help", { skip: needsRoot }, () => {
  const stderr = "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure that IP Virtual Server is built in the kernel or as module?\n";
  for (const argument of ["-Ln", "-h", "-q"]) {
    assert.deepEqual(start(process.execPath, [program, argument], { uid: NOBODY }), { stdout: "", stderr, status: 2 });
  }
});
