import assert from "node:assert/strict";
import { test } from "node:test";
import { assembleProgram, exit, mov64, r0 } from "#ebpf/assemble.js";
import { TC_ACT_UNSPEC, XDP_DROP, XDP_PASS } from "#prelude/packet.js";
import type { ProgramType } from "#ebpf/spec.js";
import { namespacesLack, withNamespace } from "./_privileges.js";
import { KernelError } from "./errors.js";
import { allLinks, attachTcx, attachXdp, queryTcx } from "./link.js";
import { attachedXdp, interfaceByName } from "./network.js";
import { inNetworkNamespace } from "./namespace.js";
import { loadProgram, type BpfProgram } from "./program.js";

const skip = namespacesLack;
const program = (name: string, type: ProgramType, result: number): BpfProgram =>
  loadProgram(assembleProgram({ name, type }, [mov64(r0, result), exit()]), new Map());

const inside = (name: string, use: () => void) => withNamespace(name, (path) => inNetworkNamespace(path, use));

test("an XDP program is attached, replaced in place, seen by others, and detached", { skip }, () => {
  inside("xdp", () => {
    const [pass, drop] = [program("pass", "xdp", XDP_PASS), program("drop", "xdp", XDP_DROP)];
    const device = interfaceByName("left");
    const link = attachXdp(pass, device, "native");
    assert.deepEqual(link.info(), { kind: "xdp", id: link.info().id, programId: pass.info().id, ifindex: device.index, direction: undefined });
    assert.deepEqual(attachedXdp("left"), { mode: "native", programId: pass.info().id, programName: "pass" });
    link.update(drop);
    assert.equal(link.info().programId, drop.info().id);
    assert.ok([...allLinks()].some(({ id, programId }) => id === link.info().id && programId === drop.info().id));
    link.detach();
    assert.equal(attachedXdp("left"), undefined);
    for (const held of [link, pass, drop]) held.close();
  });
});

test("closing the only holder of a link detaches the program", { skip }, () => {
  inside("close", () => {
    const pass = program("pass", "xdp", XDP_PASS);
    attachXdp(pass, interfaceByName("left"), "generic").close();
    assert.equal(attachedXdp("left"), undefined);
    pass.close();
  });
});

test("what stands against an XDP attachment is said with its remedy", { skip }, () => {
  inside("refuse", () => {
    const [pass, drop] = [program("pass", "xdp", XDP_PASS), program("drop", "xdp", XDP_DROP)];
    const link = attachXdp(pass, interfaceByName("left"), "native");
    const refused = (attempt: () => unknown, expected: RegExp) => assert.throws(attempt, (error: unknown) => {
      assert.ok(error instanceof KernelError);
      assert.match(error.message, expected);
      return true;
    });
    refused(() => attachXdp(drop, interfaceByName("left"), "native"), /^Cannot attach XDP program to "left": program \d+ \("pass"\) in native mode is attached already \(EBUSY\); remove it/);
    refused(() => attachXdp(drop, interfaceByName("left"), "generic"), /native and generic mode exclude each other/);
    refused(() => attachXdp(drop, interfaceByName("lo"), "native"),
      /^Cannot attach XDP program to "lo": native mode is not supported by this kind of interface \(EOPNOTSUPP\); try generic mode$/);
    refused(() => attachXdp(drop, { index: 4711, name: "gone" }, "native"), /no such interface/);
    for (const held of [link, pass, drop]) held.close();
  });
});

test("TC programs stand in order at TCX, and each sees who else is there", { skip }, () => {
  inside("tcx", () => {
    const [one, two, three] = ["one", "two", "three"].map((name) => program(name, "tc", TC_ACT_UNSPEC)) as [BpfProgram, BpfProgram, BpfProgram];
    const device = interfaceByName("left");
    assert.deepEqual(queryTcx(device, "ingress").programs, []);
    const links = [attachTcx(one, device, "ingress"), attachTcx(two, device, "ingress"), attachTcx(three, device, "ingress", { first: true })];
    assert.deepEqual(queryTcx(device, "ingress").programs.map(({ programId }) => programId), [three, one, two].map((each) => each.info().id));
    const egress = attachTcx(one, device, "egress");
    assert.equal(egress.info().direction, "egress");
    links[0]!.detach();
    assert.equal(queryTcx(device, "ingress").programs.length, 2);
    for (const held of [...links, egress, one, two, three]) held.close();
  });
});

test("links of a namespace that is gone say interface 0, and detach without complaint", { skip }, () => {
  const [pass, next] = [program("pass", "xdp", XDP_PASS), program("next", "tc", TC_ACT_UNSPEC)];
  const links: ReturnType<typeof attachXdp>[] = [];
  withNamespace("gone", (path) => inNetworkNamespace(path, () => {
    links.push(attachXdp(pass, interfaceByName("left"), "native"), attachTcx(next, interfaceByName("left"), "ingress"));
  }));
  // The kernel takes a namespace down in the background.
  const deadline = performance.now() + 5000;
  while (links.some((link) => link.info().ifindex !== 0) && performance.now() < deadline) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  assert.deepEqual(links.map((link) => link.info().ifindex), [0, 0]);
  for (const link of links) link.detach();
  for (const held of [...links, pass, next]) held.close();
});
