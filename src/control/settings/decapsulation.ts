// weir's own decapsulation on an interface (dataplane/decapsulate.ts at TC ingress), for kernels without an IPIP device.
// Its value is "VIP,VIP at ADDRESS,ADDRESS", sorted: whose packets are taken out of tunnels that end where. One pair of
// maps and one program serve all interfaces of a network namespace; each has a link of its own. All are pinned.

import { fileURLToPath } from "node:url";
import { encode, decode } from "#layout/codec.js";
import type { MapSpec } from "#ebpf/spec.js";
import { Ipv4Address, Present, tunnelCounters, tunnelEnds, tunnelVips } from "#dataplane/decapsulate.js";
import { BpfLink, attachTcx } from "#kernel/link.js";
import { BpfMap } from "#kernel/map.js";
import { interfaceByName, interfaces } from "#kernel/network.js";
import type { StateDirectory } from "#kernel/pin.js";
import { loadProgram } from "#kernel/program.js";
import { fromBe32, toBe32 } from "../encode.js";
import { findRealServerState, openRealServerState } from "../realserver-state.js";
import type { Setting, SettingKind } from "./setting.js";
import { decapsulationValue } from "./setting.js";

const MAPS: readonly MapSpec[] = [tunnelVips, tunnelEnds, tunnelCounters];

export const decapsulation: SettingKind<Extract<Setting, { kind: "decapsulation" }>> = {
  read({ interface: name }) {
    const state = findRealServerState();
    return state !== undefined && isAttached(state, name) ? readValue(state) : null;
  },

  async write({ interface: name }, value) {
    const state = openRealServerState();
    if (value === null) return detach(state, name);
    const maps = openMaps(state);
    try {
      writeValue(maps, value);
      if (!isAttached(state, name)) await attach(state, name, maps);
    } finally {
      for (const map of maps.values()) map.close();
    }
  },

  describe({ interface: name }, value) {
    if (value === null) return `decapsulation on ${name}: taken away`;
    const [vips = "", ends = ""] = value.split(" at ");
    return `decapsulation on ${name}: packets for ${vips} are taken out of tunnels to ${ends}`;
  },
};

async function attach(state: StateDirectory, name: string, maps: ReadonlyMap<string, BpfMap>): Promise<void> {
  const { compile } = await import("#compiler/compile.js");
  const source = fileURLToPath(new URL("../../../src/dataplane/decapsulate.ts", import.meta.url));
  const program = loadProgram(await compile({ source, function: "entry", type: "tc", name: "decapsulate" }), maps);
  const link = attachTcx(program, interfaceByName(name), "ingress");
  try {
    state.unpin(state.linkPath(name));
    link.pin(state.linkPath(name));
  } finally {
    link.close();
    program.close();
  }
}

function detach(state: StateDirectory, name: string): void {
  if (state.list().links.includes(name)) {
    const link = BpfLink.open(state.linkPath(name));
    link.detach();
    link.close();
    state.unpin(state.linkPath(name));
  }
  if (state.list().links.length === 0) for (const spec of MAPS) state.unpin(state.mapPath(spec.name));
}

/** Pinned, and its interface is still the one of that name. */
function isAttached(state: StateDirectory, name: string): boolean {
  if (!state.list().links.includes(name)) return false;
  const device = interfaces().find((candidate) => candidate.name === name);
  const link = BpfLink.open(state.linkPath(name));
  try {
    return device !== undefined && link.info().ifindex === device.index;
  } finally {
    link.close();
  }
}

function openMaps(state: StateDirectory): ReadonlyMap<string, BpfMap> {
  const pinned = state.list().maps;
  return new Map(MAPS.map((spec) => {
    if (pinned.includes(spec.name)) return [spec.name, BpfMap.open(state.mapPath(spec.name), spec)];
    const map = BpfMap.create(spec);
    map.pin(state.mapPath(spec.name));
    return [spec.name, map];
  }));
}

function readValue(state: StateDirectory): string {
  const [vips, ends] = [tunnelVips, tunnelEnds].map((spec) => {
    const map = BpfMap.open(state.mapPath(spec.name), spec);
    try {
      return readAddresses(map);
    } finally {
      map.close();
    }
  });
  return decapsulationValue(vips ?? [], ends ?? []);
}

function writeValue(maps: ReadonlyMap<string, BpfMap>, value: string): void {
  const [vips = "", ends = ""] = value.split(" at ");
  for (const [spec, list] of [[tunnelVips, vips], [tunnelEnds, ends]] as const) {
    const map = maps.get(spec.name)!;
    const wanted = list.split(",");
    // First what comes, then what goes: no packet falls between.
    for (const address of wanted) map.update(keyOf(address), encode(Present));
    for (const address of readAddresses(map)) if (!wanted.includes(address)) map.delete(keyOf(address));
  }
}

function readAddresses(map: BpfMap): string[] {
  const addresses: string[] = [];
  for (let key = map.nextKey(undefined); key !== undefined; key = map.nextKey(key)) addresses.push(fromBe32(decode(Ipv4Address, key).address));
  return addresses;
}

const keyOf = (address: string): Uint8Array => encode(Ipv4Address, { address: toBe32(address) });
