// What a list costs an administrator, or a script that asks every second: little more than Node's own start.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Bed, PROJECT, needs } from "./bed.js";
import { service } from "./services.js";

const MILLISECONDS_MAX = 300;
/** On a machine that is busy with other things: so many times what Node needs for doing nothing. */
const NODE_STARTS_MAX = 3;
const RUNS = 5;

describe("ipvsadm -Ln", needs, () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-start-"));
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("dr");
    await bed.up({ services: [80, 81, 82].map((port) => service(bed.topology, { port })) });
    symlinkSync(join(PROJECT, "bin/ipvsadm"), join(folder, "ipvsadm"));
  });
  after(async () => {
    await bed?.close();
    rmSync(folder, { recursive: true });
  });

  test(`takes less than ${MILLISECONDS_MAX} ms, from another folder, by a symbolic link, in another network namespace`, () => {
    const { director } = bed.topology.namespaces;
    const lists: number[] = [];
    const nothings: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      nothings.push(milliseconds([process.execPath, "-e", "0"], ""));
      lists.push(milliseconds(["ip", "netns", "exec", director, join(folder, "ipvsadm"), "-Ln"], /^TCP {2}203\.0\.113\.100:82 rr$/m));
    }
    const [list, nothing] = [median(lists), median(nothings)];
    assert.ok(list < Math.max(MILLISECONDS_MAX, NODE_STARTS_MAX * nothing), `${list} ms, where node -e 0 takes ${nothing} ms`);
  });

  function milliseconds([program = "", ...args]: readonly string[], expected: RegExp | ""): number {
    const start = performance.now();
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8", env: { ...process.env, WEIR_STATE: bed.state } });
    const time = performance.now() - start;
    assert.equal(status, 0, stderr);
    if (expected === "") assert.equal(stdout, "");
    else assert.match(stdout, expected);
    return Math.round(time);
  }
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
