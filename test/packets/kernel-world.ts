// The world in the kernel: a network namespace with the interfaces, neighbours and routes of network.ts, and a state
// directory of its own. The programs run by BPF_PROG_TEST_RUN, attached to nothing; nothing is sent.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoreDirector } from "#control/director.js";
import { KernelStore } from "#control/kernel-store.js";
import type { ProgramName } from "#control/programs.js";
import { PROGRAM_PLACES, programSpecs } from "#control/programs.js";
import { mapSpecs } from "#control/shape.js";
import { SLOTS_PER_BUCKET, calls, dialogues, fragmentNotes, realServers, services } from "#dataplane/maps.js";
import { assembleProgram, exit, mov64, r0 } from "#ebpf/assemble.js";
import type { ProgramSpec } from "#ebpf/spec.js";
import type { BpfLink } from "#kernel/link.js";
import { attachXdp } from "#kernel/link.js";
import { inNetworkNamespace } from "#kernel/namespace.js";
import { writeSysctl } from "#kernel/network.js";
import { BpfProgram, loadProgram } from "#kernel/program.js";
import { skBuffContext, xdpContext } from "#kernel/test-run.js";
import { XDP_PASS } from "#prelude/packet.js";
import { spoilLeftovers } from "./leftovers.js";
import type { NetworkInterface } from "./network.js";
import { interfaces, neighbours, routes } from "./network.js";
import type { TestNamespace } from "./test-namespace.js";
import { addNamespace } from "./test-namespace.js";
import type { Entrance, Offload, Run, World } from "./world.js";
import { expiryWithSlice, newDirector } from "./world.js";

/** `connections`: how many fit. */
export async function kernelWorld(connections: number, programs?: readonly ProgramName[]): Promise<World> {
  const namespace = addNamespace();
  buildNetwork(namespace.name);
  const store = inNetworkNamespace(namespace.path, () => openStore(namespace.stateRoot, connections));
  const specs = await programSpecs(store.shape, programs);
  return inNetworkNamespace(namespace.path, () => new KernelWorld(namespace, store, specs));
}

class KernelWorld implements World {
  readonly executor = "kernel";
  readonly #programs: ReadonlyMap<ProgramName, BpfProgram>;
  readonly #links: readonly BpfLink[];
  director!: StoreDirector;

  constructor(readonly namespace: TestNamespace, readonly store: KernelStore, specs: ReadonlyMap<ProgramName, ProgramSpec>) {
    this.#programs = new Map(Array.from(specs, ([name, spec]) => [name, loadProgram(spec, store.allMaps())]));
    for (const { name, place, array } of PROGRAM_PLACES) if (this.#programs.has(name)) store.map(array.name).putObject(place, this.#programs.get(name)!);
    // As KernelPlane does: route look-ups are made "from" the loopback.
    writeSysctl("net/ipv4/conf/lo/forwarding", "1");
    writeSysctl("net/ipv6/conf/lo/forwarding", "1");
    // Linux net/bpf/test_run.c, xdp_convert_md_to_buff() wants a receive queue that is registered for XDP: a veth
    // device registers its queues with the first program that is attached.
    const pass = loadProgram(assembleProgram({ name: "pass", type: "xdp" }, [mov64(r0, XDP_PASS), exit()]), new Map());
    this.#links = interfaces.map(({ ifindex, name }) => attachXdp(pass, { index: ifindex, name }, "native"));
    pass.close();
    // What a director asks its own namespace, as long as this process stands in another.
    store.sourceTowards = (address) => inNetworkNamespace(namespace.path, () => KernelStore.prototype.sourceTowards.call(store, address));
    store.isLocal = (address) => inNetworkNamespace(namespace.path, () => KernelStore.prototype.isLocal.call(store, address));
    this.reset();
  }

  reset(): void {
    for (const hash of [services, dialogues, calls, fragmentNotes, realServers].map((spec) => this.store.hash(spec))) for (const key of [...hash.keys()]) hash.delete(key);
    for (const spec of mapSpecs(this.store.shape).values()) if (spec.tableEntries !== undefined) this.store.table(spec).fill(0);
    this.director = newDirector(this.store);
  }

  run(entrance: Entrance, bytes: Uint8Array, { ifindex }: NetworkInterface, { gsoSize = 0, mark = 0, checksumPartial, vlanPresent, tcIndex }: Offload = {}): Run {
    assert.ok(checksumPartial === undefined && vlanPresent === undefined && tcIndex === undefined, "net/bpf/test_run.c, convert___skb_to_skb() has no such packets");
    spoilLeftovers(this.store);
    const context = entrance === "xdp" ? xdpContext(bytes, { ingressIfindex: ifindex }) : skBuffContext({ ifindex, ingressIfindex: entrance === "out" ? 0 : ifindex, gsoSize, mark });
    const { returnValue, data } = inNetworkNamespace(this.namespace.path, () => this.#programs.get(`weir_${entrance}`)!.testRun({ data: bytes, context }));
    return { verdict: returnValue, bytes: data };
  }

  startExpiry(): void {
    const map = this.store.map("expiry");
    const key = new Uint8Array(4);
    map.update(key, expiryWithSlice(map.lookup(key)!, this.store.shape.connections / SLOTS_PER_BUCKET));
    this.#programs.get("weir_start")!.testRun({ data: new Uint8Array(64) });
  }

  async wait(milliseconds: number): Promise<void> {
    await sleep(milliseconds);
  }

  close(): void {
    for (const held of [...this.#links, ...this.#programs.values()]) held.close();
    this.store.state.remove();
    this.namespace.remove();
  }
}

function openStore(stateRoot: string, connections: number): KernelStore {
  const before = process.env["WEIR_STATE"];
  process.env["WEIR_STATE"] = stateRoot;
  try {
    return KernelStore.open({ connections });
  } finally {
    if (before === undefined) delete process.env["WEIR_STATE"];
    else process.env["WEIR_STATE"] = before;
  }
}

/** Every interface has its peer beside it, so that it is up; nothing answers there. */
function buildNetwork(namespace: string): void {
  ip(namespace, [
    "link set lo up",
    ...interfaces.flatMap(({ name, ifindex, mac, address, prefixLength, addressIpv6, prefixLengthIpv6, mtu }) => [
      `link add ${name} index ${ifindex} address ${mac} mtu ${mtu} type veth peer name ${name}-peer`,
      `link set ${name} up`, `link set ${name}-peer up`, `address add ${address}/${prefixLength} dev ${name}`, `address add ${addressIpv6}/${prefixLengthIpv6} dev ${name} nodad`,
    ]),
    ...neighbours.filter(({ mac }) => mac !== undefined).map(({ address, mac, interface: { name } }) => `neighbour add ${address} lladdr ${mac} dev ${name} nud permanent`),
    ...routes.map(({ destination, prefixLength, gateway }) => `route add ${destination}/${prefixLength} via ${gateway.address}`),
  ]);
}

function ip(namespace: string, commands: readonly string[]): void {
  const input = commands.map((command) => `${command}\n`).join("");
  const { status, stderr } = spawnSync("ip", ["-netns", namespace, "-batch", "-"], { input, encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot build the network of a test: ip said "${stderr.trim()}" to\n${input}`);
}
