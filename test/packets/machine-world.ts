// The world on the user-space machine: routes and neighbours come from network.ts, and the clock stands still until a
// test lets time pass.

import type { StoreDirector } from "#control/director.js";
import { fromWords, toWords } from "#control/encode.js";
import { shapeOfThisMachine } from "#control/kernel-store.js";
import { MachineStore, loadPrograms } from "#control/machine-store.js";
import type { ProgramName } from "#control/programs.js";
import { programSpecs } from "#control/programs.js";
import type { Shape } from "#control/shape.js";
import { FibLookup } from "#dataplane/hop.js";
import { SLOTS_PER_BUCKET, expiry4, expiry6 } from "#dataplane/maps.js";
import type { LoadedProgram } from "#ebpf/machine.js";
import { Machine } from "#ebpf/machine.js";
import type { ProgramSpec } from "#ebpf/spec.js";
import { decode, encodeInto } from "#layout/codec.js";
import { addressFamily } from "#model/address.js";
import { macBytes, macText } from "./frame.js";
import { spoilLeftovers } from "./leftovers.js";
import type { NetworkInterface } from "./network.js";
import { eth1, isLocal, nextHop } from "./network.js";
import type { Entrance, Offload, Run, World } from "./world.js";
import { expiryWithSlice, newDirector } from "./world.js";

/** Some time after boot. */
const START_NANOSECONDS = 1_000_000_000_000n;

/** Linux include/uapi/linux/if_packet.h. */
const PACKET_HOST = 0;
const PACKET_BROADCAST = 1;
const PACKET_MULTICAST = 2;
const PACKET_OTHERHOST = 3;

const AF_INET = 2;
/** Linux include/uapi/linux/bpf.h. */
const BPF_FIB_LOOKUP_SKIP_NEIGH = 1 << 2;
const BPF_FIB_LOOKUP_SRC = 1 << 4;
const BPF_FIB_LKUP_RET_SUCCESS = 0;
const BPF_FIB_LKUP_RET_NOT_FWDED = 4;
const BPF_FIB_LKUP_RET_NO_NEIGH = 7;

/** `connections`: how many fit, of either family. */
export async function machineWorld(connections: number, programs?: readonly ProgramName[]): Promise<World> {
  const shape = shapeOfThisMachine({ connections, connectionsIpv6: connections });
  return new MachineWorld(shape, await programSpecs(shape, programs));
}

class MachineWorld implements World {
  readonly executor = "machine";
  #elapsed = 0n;
  #machine!: Machine;
  #programs!: ReadonlyMap<ProgramName, LoadedProgram>;
  store!: MachineStore;
  director!: StoreDirector;

  constructor(readonly shape: Shape, readonly specs: ReadonlyMap<ProgramName, ProgramSpec>) {
    this.reset();
  }

  reset(): void {
    this.#elapsed = 0n;
    this.#machine = new Machine({ now: () => START_NANOSECONDS, fib: lookUpRoute });
    this.#programs = loadPrograms(this.#machine, this.specs);
    this.store = new MachineStore(this.#machine, this.shape, () => START_NANOSECONDS + this.#elapsed, isLocal);
    // Real servers are all behind eth1.
    this.store.sourceTowards = (address) => (addressFamily(address) === 6 ? eth1.addressIpv6 : eth1.address);
    this.director = newDirector(this.store);
  }

  run(entrance: Entrance, bytes: Uint8Array, by: NetworkInterface, { gsoSize = 0, mark = 0, checksumPartial = false, vlanPresent = false, tcIndex = 0 }: Offload = {}): Run {
    spoilLeftovers(this.store);
    const context = { ifindex: by.ifindex, ...(entrance === "out" && { ingressIfindex: 0 }), packetType: packetType(bytes, by), gsoSize, mark, checksumPartial, vlanPresent: Number(vlanPresent), tcIndex };
    const { verdict, packet, redirect, clones, gsoSize: gsoSizeAfter } = this.#machine.run(this.#programs.get(`weir_${entrance}`)!, bytes, context);
    return { verdict, bytes: packet, gsoSize: gsoSizeAfter, ...(redirect && { redirect }), ...(clones.length > 0 && { clones }) };
  }

  startExpiry(): void {
    this.#startExpiry(expiry4, this.shape.connections, this.#programs.get("weir_start")!);
    const start6 = this.#programs.get("weir_start6");
    if (start6 !== undefined) this.#startExpiry(expiry6, this.shape.connectionsIpv6, start6);
  }

  #startExpiry(expiry: typeof expiry4, connections: number, start: LoadedProgram): void {
    const map = this.#machine.map(expiry);
    const key = new Uint8Array(4);
    map.update(key, expiryWithSlice(map.lookup(key)!, connections / SLOTS_PER_BUCKET));
    this.#machine.run(start, new Uint8Array(64));
  }

  async wait(milliseconds: number): Promise<void> {
    const nanoseconds = BigInt(milliseconds) * 1_000_000n;
    this.#machine.advance(nanoseconds);
    this.#elapsed += nanoseconds;
  }

  close(): void {}
}

/** Linux net/ethernet/eth.c, eth_skb_pkt_type(). */
function packetType(bytes: Uint8Array, by: NetworkInterface): number {
  const destination = macText(bytes.subarray(0, 6));
  if (destination === by.mac) return PACKET_HOST;
  if (destination === "ff:ff:ff:ff:ff:ff") return PACKET_BROADCAST;
  return (bytes[0]! & 1) !== 0 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}

/**
 * Linux net/core/filter.c, bpf_ipv4_fib_lookup(). Interface and gateway are told as soon as there is a route; the MTU,
 * which comes in the place of the length that was given, only with a neighbour.
 */
function lookUpRoute(parameters: Uint8Array, flags: number): number {
  const { family, destination } = decode(FibLookup, parameters);
  const hop = nextHop(fromWords(destination, family === AF_INET ? 4 : 6));
  if (hop === undefined) return BPF_FIB_LKUP_RET_NOT_FWDED;
  encodeInto(FibLookup, { ifindex: hop.interface.ifindex, destination: toWords(hop.address), tosOrMetric: 0 }, parameters);
  if ((flags & BPF_FIB_LOOKUP_SRC) !== 0) encodeInto(FibLookup, { source: toWords(family === AF_INET ? hop.interface.address : hop.interface.addressIpv6) }, parameters);
  if ((flags & BPF_FIB_LOOKUP_SKIP_NEIGH) === 0) {
    if (hop.mac === undefined) return BPF_FIB_LKUP_RET_NO_NEIGH;
    encodeInto(FibLookup, { destinationMac: macBytes(hop.mac), sourceMac: macBytes(hop.interface.mac) }, parameters);
  }
  encodeInto(FibLookup, { lengthOrMtu: hop.interface.mtu, vlan: 0 }, parameters);
  return BPF_FIB_LKUP_RET_SUCCESS;
}
