import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { after, test } from "node:test";
import { assembleProgram, exit, mov64, r0 } from "#ebpf/assemble.js";
import { u64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { arrayMap, hashMap } from "#prelude/maps.js";
import { XDP_PASS } from "#prelude/packet.js";
import { bpfLacks, namespacesLack, withNamespace } from "./_privileges.js";
import { KernelError } from "./errors.js";
import { attachXdp, BpfLink } from "./link.js";
import { BpfMap } from "./map.js";
import { inNetworkNamespace } from "./namespace.js";
import { attachedXdp, interfaceByName } from "./network.js";
import { findState, openState, staleStates } from "./pin.js";
import { BpfProgram, loadProgram } from "./program.js";

const root = `/run/weir-test-${process.pid}`;
const Value = struct("Value", { number: u64 });
const spec = arrayMap("numbers", Value, 4);
const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const pass = () => loadProgram(assembleProgram({ name: "pass", type: "xdp" }, [mov64(r0, XDP_PASS), exit()]), new Map());

after(() => {
  if (existsSync(`${root}/bpf`)) spawnSync("umount", [`${root}/bpf`]);
  rmSync(root, { recursive: true, force: true });
});

test("looking for a state makes nothing", { skip: bpfLacks }, () => {
  assert.equal(findState({ root }), undefined);
  assert.deepEqual(staleStates({ root }), []);
  assert.equal(existsSync(root), false);
});

test("a pinned map outlives its maker and is opened again with its contents", { skip: bpfLacks }, () => {
  const state = openState({ root });
  const map = BpfMap.create(spec);
  map.update(word(1), new Uint8Array(8).fill(7));
  map.pin(state.mapPath("numbers"));
  map.close();
  const again = BpfMap.open(findState({ root })!.mapPath("numbers"), spec);
  assert.deepEqual(again.lookup(word(1)), new Uint8Array(8).fill(7));
  assert.throws(() => again.pin(state.mapPath("numbers")), (error: unknown) => error instanceof KernelError && error.code === "EXISTS");
  again.close();
  assert.equal(state.unpin(state.mapPath("numbers")), true);
  assert.equal(state.unpin(state.mapPath("numbers")), false);
});

test("a pinned map of another shape is refused, and what differs is said", { skip: bpfLacks }, () => {
  const state = openState({ root });
  const map = BpfMap.create(spec);
  map.pin(state.mapPath("shape"));
  map.close();
  const refused = (path: string, expected: RegExp) => assert.throws(() => BpfMap.open(path, arrayMap("numbers", Value, 8)), (error: unknown) => {
    assert.ok(error instanceof KernelError);
    assert.match(error.message, expected);
    return true;
  });
  refused(state.mapPath("shape"), /^Cannot open map "numbers" pinned at .*: maxEntries is 4 where 8 is wanted; remove what is pinned there/);
  refused(state.mapPath("nothing"), /it does not exist \(ENOENT\)/);
  const program = pass();
  program.pin(state.programPath("pass"));
  program.close();
  refused(state.programPath("pass"), /that is not a map/);
  assert.throws(() => BpfLink.open(state.programPath("pass")), /that is not a link/);
  BpfProgram.open(state.programPath("pass"), "pass").close();
  state.remove();
});

test("names with dots, as interfaces have them, are pinned and listed", { skip: bpfLacks }, () => {
  const state = openState({ root });
  const map = BpfMap.create(hashMap("dots", Value, Value, 1));
  map.pin(state.mapPath("eth0.100"));
  map.close();
  assert.deepEqual(state.list(), { links: [], programs: [], maps: ["eth0.100"] });
  state.remove();
  assert.equal(findState({ root }), undefined);
});

test("plain files stand in a directory of the namespace's own", { skip: bpfLacks }, () => {
  const state = openState({ root });
  assert.ok(statSync(state.filePath("applied.json").replace(/\/[^/]+$/, "")).isDirectory());
  state.remove();
  assert.equal(existsSync(state.filesPath), false);
});

test("the state of a namespace that is gone is stale, with links and without; that of a live one is not", { skip: namespacesLack }, () => {
  const program = pass();
  withNamespace("live", (live) => {
    inNetworkNamespace(live, () => openState({ root }));
    withNamespace("attached", (path) => inNetworkNamespace(path, () => {
      const link = attachXdp(program, interfaceByName("left"), "native");
      link.pin(openState({ root }).linkPath("left"));
      link.close();
    }));
    withNamespace("bare", (path) => inNetworkNamespace(path, () => openState({ root })));
    const deadline = performance.now() + 5000;
    while (staleStates({ root }).length < 2 && performance.now() < deadline) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    const stale = staleStates({ root });
    assert.deepEqual(stale.map((state) => state.list().links.join()).sort(), ["", "left"]);
    for (const state of stale) state.remove();
    assert.deepEqual(staleStates({ root }), []);
    inNetworkNamespace(live, () => findState({ root })!.remove());
  });
  program.close();
});

test("a pinned link keeps its program attached with nobody holding it, and is opened again to replace it", { skip: namespacesLack }, () => {
  const [first, second] = [pass(), pass()];
  withNamespace("pinned", (path) => inNetworkNamespace(path, () => {
    const state = openState({ root });
    const link = attachXdp(first, interfaceByName("left"), "native");
    link.pin(state.linkPath("left"));
    link.close();
    assert.equal(attachedXdp("left")?.programId, first.info().id);
    const again = BpfLink.open(state.linkPath("left"));
    again.update(second);
    assert.equal(attachedXdp("left")?.programId, second.info().id);
    again.detach();
    again.close();
    assert.equal(attachedXdp("left"), undefined);
    state.remove();
  }));
  for (const program of [first, second]) program.close();
});

test("who may not look gets an error, not an empty state", { skip: bpfLacks }, () => {
  openState({ root });
  process.seteuid!(65534);
  try {
    for (const attempt of [() => findState({ root }), () => openState({ root }), () => openState({ root: "/run/weir-test-new" })]) {
      assert.throws(attempt, (error: unknown) => {
        assert.ok(error instanceof KernelError && error.code === "PERMISSION", String(error));
        assert.match(error.message, /\(EACCES\); run as root/);
        return true;
      });
    }
    assert.throws(pass, (error: unknown) => error instanceof KernelError && error.code === "PERMISSION");
  } finally {
    process.seteuid!(0);
  }
  findState({ root })!.remove();
});

test("a state that `ip netns exec` made first is seen from outside, and from a later one", { skip: namespacesLack }, () => {
  const own = `${root}-exec`;
  mkdirSync(own, { recursive: true });
  const script = `import { openState } from ${JSON.stringify(new URL("./pin.js", import.meta.url).href)}; console.log(openState({ root: process.argv[1] }).path);`;
  withNamespace("exec", (path) => {
    const exec = () => spawnSync("ip", ["netns", "exec", path.replace("/run/netns/", ""), process.execPath, "--input-type=module", "-e", script, own], { encoding: "utf8" });
    const [first, second] = [exec(), exec()];
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /^\/proc\/\d+\/root\/run\/.*\/bpf\/netns-\d+\n$/);
    assert.equal(second.stdout.replace(/^\/proc\/\d+\/root/, ""), first.stdout.replace(/^\/proc\/\d+\/root/, ""));
    inNetworkNamespace(path, () => {
      const state = findState({ root: own });
      assert.ok(state !== undefined, "not seen from outside");
      state.remove();
    });
  });
  spawnSync("umount", [`${own}/bpf`]);
  rmSync(own, { recursive: true, force: true });
});
