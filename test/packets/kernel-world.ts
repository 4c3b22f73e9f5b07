// The world in the kernel: a network namespace with the interfaces, neighbours and routes of network.ts, and a state
// directory of its own. The programs run by BPF_PROG_TEST_RUN, attached to nothing; nothing is sent.

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoreDirector } from "#control/director.js";
import { KernelStore } from "#control/kernel-store.js";
import { programSpec } from "#control/programs.js";
import type { Shape } from "#control/shape.js";
import { mapSpecs } from "#control/shape.js";
import { SLOTS_PER_BUCKET, services } from "#dataplane/maps.js";
import { assembleProgram, exit, mov64, r0 } from "#ebpf/assemble.js";
import type { ProgramSpec } from "#ebpf/spec.js";
import type { BpfLink } from "#kernel/link.js";
import { attachXdp } from "#kernel/link.js";
import { inNetworkNamespace } from "#kernel/namespace.js";
import { writeSysctl } from "#kernel/network.js";
import { BpfProgram, loadProgram } from "#kernel/program.js";
import { skBuffContext, xdpContext } from "#kernel/test-run.js";
import { XDP_PASS } from "#prelude/packet.js";
import type { NetworkInterface } from "./network.js";
import { interfaces, neighbours, routes } from "./network.js";
import type { Hook, Run, World } from "./world.js";
import { expiryWithSlice, newDirector } from "./world.js";

const PROGRAMS = { tc: "weir_tc", xdp: "weir_xdp", start: "weir_start" } as const;
type ProgramRole = keyof typeof PROGRAMS;

let worlds = 0;

/** `connections`: how many fit. */
export async function kernelWorld(connections: number): Promise<World> {
  const namespace = `weir-packets-${process.pid}-${++worlds}`;
  const stateRoot = `/run/${namespace}`;
  buildNamespace(namespace);
  try {
    const store = inNetworkNamespace(`/run/netns/${namespace}`, () => openStore(stateRoot, connections));
    const specs = new Map<ProgramRole, ProgramSpec>();
    for (const role of Object.keys(PROGRAMS) as ProgramRole[]) specs.set(role, await programSpec(PROGRAMS[role], store.shape));
    return inNetworkNamespace(`/run/netns/${namespace}`, () => new KernelWorld(namespace, stateRoot, store, specs));
  } catch (error) {
    removeNamespace(namespace, stateRoot);
    throw error;
  }
}

class KernelWorld implements World {
  readonly executor = "kernel";
  readonly #programs: ReadonlyMap<ProgramRole, BpfProgram>;
  readonly #links: readonly BpfLink[];
  director!: StoreDirector;

  constructor(readonly namespace: string, readonly stateRoot: string, readonly store: KernelStore, specs: ReadonlyMap<ProgramRole, ProgramSpec>) {
    this.#programs = new Map(Array.from(specs, ([role, spec]) => [role, loadProgram(spec, store.allMaps())]));
    // As KernelPlane does: route look-ups are made "from" the loopback.
    writeSysctl("net/ipv4/conf/lo/forwarding", "1");
    // Linux net/bpf/test_run.c, xdp_convert_md_to_buff() wants a receive queue that is registered for XDP: a veth
    // device registers its queues with the first program that is attached.
    const pass = loadProgram(assembleProgram({ name: "pass", type: "xdp" }, [mov64(r0, XDP_PASS), exit()]), new Map());
    this.#links = interfaces.map(({ ifindex, name }) => attachXdp(pass, { index: ifindex, name }, "native"));
    pass.close();
    this.reset();
  }

  reset(): void {
    const hash = this.store.hash(services);
    for (const key of [...hash.keys()]) hash.delete(key);
    for (const spec of mapSpecs(this.store.shape).values()) if (spec.tableEntries !== undefined) this.store.table(spec).fill(0);
    this.director = newDirector(this.store);
  }

  run(hook: Hook, bytes: Uint8Array, by: NetworkInterface): Run {
    const context = hook === "xdp" ? xdpContext(bytes, { ingressIfindex: by.ifindex }) : skBuffContext({ ifindex: by.ifindex, ingressIfindex: by.ifindex });
    const { returnValue, data } = inNetworkNamespace(`/run/netns/${this.namespace}`, () => this.#programs.get(hook)!.testRun({ data: bytes, context }));
    return { verdict: returnValue, bytes: data };
  }

  startExpiry(): void {
    const map = this.store.map("expiry");
    const key = new Uint8Array(4);
    map.update(key, expiryWithSlice(map.lookup(key)!, this.store.shape.connections / SLOTS_PER_BUCKET));
    this.#programs.get("start")!.testRun({ data: new Uint8Array(64) });
  }

  async wait(milliseconds: number): Promise<void> {
    await sleep(milliseconds);
  }

  close(): void {
    for (const held of [...this.#links, ...this.#programs.values()]) held.close();
    this.store.state.remove();
    removeNamespace(this.namespace, this.stateRoot);
  }
}

function openStore(stateRoot: string, connections: number): KernelStore {
  const before = process.env["WEIR_STATE"];
  process.env["WEIR_STATE"] = stateRoot;
  try {
    return KernelStore.open(connections);
  } finally {
    if (before === undefined) delete process.env["WEIR_STATE"];
    else process.env["WEIR_STATE"] = before;
  }
}

/** Every interface has its peer beside it, so that it is up; nothing answers there. */
function buildNamespace(namespace: string): void {
  ip([`netns add ${namespace}`]);
  ip([
    "link set lo up",
    ...interfaces.flatMap(({ name, ifindex, mac, address, prefixLength, mtu }) => [
      `link add ${name} index ${ifindex} address ${mac} mtu ${mtu} type veth peer name ${name}-peer`,
      `link set ${name} up`, `link set ${name}-peer up`, `address add ${address}/${prefixLength} dev ${name}`,
    ]),
    ...neighbours.filter(({ mac }) => mac !== undefined).map(({ address, mac, interface: { name } }) => `neighbour add ${address} lladdr ${mac} dev ${name} nud permanent`),
    ...routes.map(({ destination, prefixLength, gateway }) => `route add ${destination}/${prefixLength} via ${gateway.address}`),
  ], namespace);
}

function removeNamespace(namespace: string, stateRoot: string): void {
  ip([`netns delete ${namespace}`]);
  spawnSync("umount", [`${stateRoot}/bpf`]);
  rmSync(stateRoot, { recursive: true, force: true });
}

function ip(commands: readonly string[], namespace?: string): void {
  const { status, stderr } = spawnSync("ip", [...(namespace === undefined ? [] : ["-netns", namespace]), "-batch", "-"], { input: `${commands.join("\n")}\n`, encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot build the network namespace of a test: ip said "${stderr?.trim()}" to\n${commands.join("\n")}`);
}
