// The program ipvsadm: the director of this network namespace, this machine's names, this process's streams.
// What a command may not need is imported when it is asked for: a list should cost little more than Node's start.

import { readFileSync } from "node:fs";
import type { ServiceUse } from "#control/uses.js";
import type { Director } from "#model/director.js";
import { Exit } from "./exit.js";
import { ipvsadm } from "./ipvsadm.js";
import { describeError } from "./messages.js";
import { Output } from "./output.js";
import { readLines } from "./restore.js";
import { systemNames } from "./system-names.js";

const CAP_NET_ADMIN = 12n;
const STATUS_NO_DIRECTOR = 2;
const STATUS_LIST_FAILED = 1;

const output = new Output(1);
const errors = new Output(2);
let director: Director | undefined;

const status = await main();
output.flush();
process.exit(status);

async function main(): Promise<number> {
  try {
    refuseUnprivileged();
    return await ipvsadm(process.argv.slice(2), {
      names: systemNames, findDirector, openDirector, prepare, settle, inputLines: () => readLines(0),
      out: (text) => output.write(text),
      error: reportError,
    });
  } catch (error) {
    reportError(`${error instanceof Exit ? error.message : describeError(error)}\n`);
    return error instanceof Exit ? error.status : STATUS_LIST_FAILED;
  }
}

/** The real ipvsadm needs this capability to reach IPVS at all, even for its help. */
function refuseUnprivileged(): void {
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  if ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) return;
  throw new Exit(STATUS_NO_DIRECTOR, "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure that IP Virtual Server is built in the kernel or as module?");
}

async function findDirector(): Promise<Director> {
  const { findDirector: find } = await import("#control/open.js");
  return (director ??= find()) ?? emptyDirector();
}

/** Stands in where nothing was ever configured: lists are empty, and nothing is found. */
async function emptyDirector(): Promise<Director> {
  const { MemoryDirector } = await import("#model/memory-director.js");
  return new MemoryDirector();
}

async function openDirector(): Promise<Director> {
  const { openDirector: open } = await import("#control/open.js");
  return (director ??= await open());
}

async function prepare(service: ServiceUse): Promise<void> {
  const { prepareFor } = await import("#control/open.js");
  await prepareFor(service);
}

async function settle(): Promise<void> {
  const { settleAfter } = await import("#control/open.js");
  await settleAfter();
}

function reportError(text: string): void {
  errors.write(text);
  errors.flush();
}
