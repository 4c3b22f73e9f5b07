import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import { assembleProgram, exit, mov64, r0 } from "#ebpf/assemble.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { namespacesLack, withNamespace } from "./_privileges.js";
import { KernelError } from "./errors.js";
import { inNetworkNamespace } from "./namespace.js";
import { interfaceByName } from "./network.js";
import { openState } from "./pin.js";
import { loadProgram } from "./program.js";
import { attachTcFilter, detachTcFilter, findTcFilter } from "./tc-filter.js";

const root = `/run/weir-test-tc-${process.pid}`;

after(() => {
  if (existsSync(`${root}/bpf`)) spawnSync("umount", [`${root}/bpf`]);
  rmSync(root, { recursive: true, force: true });
});

test("a pinned program is attached by a filter, found, replaced and removed again", { skip: namespacesLack }, () => {
  withNamespace("filter", (path) => inNetworkNamespace(path, () => {
    const state = openState({ root });
    const [first, second] = ["first", "second"].map((name) => {
      const program = loadProgram(assembleProgram({ name, type: "tc" }, [mov64(r0, TC_ACT_UNSPEC), exit()]), new Map());
      program.pin(state.programPath(name));
      return program;
    }) as [ReturnType<typeof loadProgram>, ReturnType<typeof loadProgram>];
    const device = interfaceByName("left");
    assert.equal(findTcFilter(device, "ingress"), undefined);
    assert.equal(detachTcFilter(device, "ingress"), false);
    attachTcFilter(state.programPath("first"), device, "ingress");
    assert.deepEqual(findTcFilter(device, "ingress"), { programId: first.info().id });
    assert.equal(findTcFilter(device, "egress"), undefined);
    attachTcFilter(state.programPath("second"), device, "ingress");
    assert.deepEqual(findTcFilter(device, "ingress"), { programId: second.info().id });
    assert.equal(detachTcFilter(device, "ingress"), true);
    assert.equal(findTcFilter(device, "ingress"), undefined);
    assert.throws(() => attachTcFilter(state.programPath("nothing"), device, "ingress"), (error: unknown) =>
      error instanceof KernelError && error.code === "COMMAND_FAILED" && /^Cannot attach TC program to the ingress of "left": "tc filter/.test(error.message));
    for (const program of [first, second]) program.close();
    state.remove();
  }));
});
