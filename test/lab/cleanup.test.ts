// However a laboratory ends, nothing of it stays.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { namespaceNames, removeLeftovers } from "#lab/namespaces.js";
import { whyNoLaboratory } from "#lab/requirements.js";

const lacking = whyNoLaboratory();
const options = lacking === undefined ? {} : { skip: lacking };

/** Builds a laboratory with a worker, says so, and waits for its end. */
const PROGRAM = `
  import { buildTopology } from "#lab/topology.js";
  const topology = await buildTopology("nat");
  await (await topology.worker(topology.namespaces.client)).serveHttp({ name: "x", port: 80 });
  process.stdout.write("built");
  process.stdin.resume();
`;
/** Where "#lab/…" means this project: the program is resolved as if it stood there. */
const PROJECT = fileURLToPath(new URL("../../../..", import.meta.url));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends a laboratory and removes its namespaces and workers`, options, async () => {
    const laboratory = await start();
    assert.notDeepEqual(madeBy(laboratory), []);
    const workers = await childrenOf(laboratory);
    assert.equal(workers.length, 1);
    laboratory.kill(signal);
    const [code, endedBy] = await once(laboratory, "exit") as [number | null, NodeJS.Signals | null];
    assert.deepEqual([code, endedBy], [null, signal]);
    assert.deepEqual(madeBy(laboratory), []);
    for (const worker of workers) await gone(worker);
  });
}

test("what a killed laboratory leaves is removed by the next, its workers end by themselves", options, async () => {
  const laboratory = await start();
  const workers = await childrenOf(laboratory);
  laboratory.kill("SIGKILL");
  await once(laboratory, "exit");
  const left = madeBy(laboratory);
  assert.notDeepEqual(left, []);
  for (const worker of workers) await gone(worker);
  // A laboratory that another test starts at this moment may be quicker.
  await removeLeftovers();
  assert.deepEqual(madeBy(laboratory), []);
});

async function start(): Promise<ChildProcess> {
  const laboratory = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], { cwd: PROJECT, stdio: ["pipe", "pipe", "inherit"] });
  const [said] = await once(laboratory.stdout, "data") as [Buffer];
  assert.equal(said.toString(), "built");
  return laboratory;
}

const madeBy = ({ pid }: ChildProcess): string[] => namespaceNames().filter((name) => name.startsWith(`weir-${pid}-`));

async function childrenOf({ pid }: ChildProcess): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").filter((child) => child !== "").map(Number);
}

/** Waits for the end of a process that is not a child of this one. What only waits to be reaped has ended. */
async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const state = await readFile(`/proc/${pid}/stat`, "latin1").then((text) => text.slice(text.lastIndexOf(")") + 2)[0], () => "gone");
    if (state === "gone" || state === "Z") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`process ${pid} still lives`);
}
