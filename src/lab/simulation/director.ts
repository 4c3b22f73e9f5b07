// The simulated director: weir's own program for TC, compiled from the same sources and run by the user-space machine,
// on maps that the same control layer has filled.

import { decode, encodeInto } from "#layout/codec.js";
import { StoreDirector } from "#control/director.js";
import { fromWords, toWords } from "#control/encode.js";
import { MachineStore, loadPrograms } from "#control/machine-store.js";
import { programSpecs } from "#control/programs.js";
import type { Shape } from "#control/shape.js";
import { FibLookup, Neighbour } from "#dataplane/hop.js";
import { Machine, type LoadedProgram, type Redirect } from "#ebpf/machine.js";
import { parseConfig } from "#model/config.js";
import { diffServices } from "#model/diff.js";
import { PACKET_HOST, TC_ACT_REDIRECT, TC_ACT_SHOT } from "#prelude/packet.js";
import { ETH_P_IP } from "#wire/ethernet.js";
import { hostOf, type HostPlan, type InterfacePlan, type NetworkPlan } from "../plan.js";
import { router, type Host } from "./hosts.js";
import { frameOf, macBytes, packetOf } from "./packet.js";
import { nextHop, type Departure } from "./routing.js";

const SHAPE: Shape = { processors: 1, connections: 1024, connectionsIpv6: 64, destinations: 1024, fibGivesSource: true, csumKnowsIpv6: true, tcx: true };
/** Some time after boot; it stands still. */
const NANOSECONDS = 1_000_000_000_000n;
/** The loopback is 1. */
const IFINDEX_FIRST = 2;
const MTU = 1500;
/** Linux include/uapi/linux/bpf.h. */
const BPF_FIB_LKUP_RET_SUCCESS = 0;
const BPF_FIB_LKUP_RET_NOT_FWDED = 4;

let programs: ReturnType<typeof programSpecs> | undefined;

/** The director of the plan, configured by a weir.yaml. */
export async function simulatedDirector(plan: NetworkPlan, configuration: string): Promise<Host> {
  programs ??= programSpecs(SHAPE);
  return new SimulatedDirector(plan, await programs, configuration);
}

class SimulatedDirector implements Host {
  readonly #plan: NetworkPlan;
  readonly #host: HostPlan;
  readonly #machine: Machine;
  readonly #program: LoadedProgram;
  readonly #stack: Host;

  constructor(plan: NetworkPlan, specs: Awaited<NonNullable<typeof programs>>, configuration: string) {
    this.#plan = plan;
    this.#host = hostOf(plan, "director");
    this.#stack = router(plan, this.#host);
    this.#machine = new Machine({ now: () => NANOSECONDS, fib: (parameters) => this.#lookUpRoute(parameters) });
    this.#program = loadPrograms(this.#machine, specs).get("weir_tc")!;
    const director = new StoreDirector(new MachineStore(this.#machine, SHAPE, () => NANOSECONDS));
    const { services } = parseConfig(configuration, { file: "weir.yaml" });
    director.apply(diffServices([], services));
  }

  receive(frame: Uint8Array, at: InterfacePlan): readonly Departure[] {
    const ifindex = IFINDEX_FIRST + this.#host.interfaces.indexOf(at);
    const { verdict, packet, redirect } = this.#machine.run(this.#program, frame, { ifindex, packetType: PACKET_HOST, protocol: ETH_P_IP });
    if (verdict === TC_ACT_SHOT) return [];
    if (verdict === TC_ACT_REDIRECT && redirect !== undefined) return [this.#redirected(packet, redirect)];
    return this.#host.forwards ? this.#stack.receive(packet, at) : [];
  }

  /** Linux net/core/filter.c, skb_do_redirect(): by the neighbour table, or with the MAC addresses that the program wrote. */
  #redirected(frame: Uint8Array, { kind, ifindex, neighbour }: Redirect): Departure {
    const out = this.#host.interfaces[ifindex - IFINDEX_FIRST];
    if (out === undefined) throw new RangeError(`the program sends by interface ${ifindex}, and the director has ${this.#host.interfaces.length} from ${IFINDEX_FIRST} on`);
    if (kind !== "neigh" || neighbour === undefined) return { interface: out, frame };
    const hop = nextHop(this.#plan, this.#host, fromWords(decode(Neighbour, neighbour).address, 4));
    return { interface: out, frame: frameOf(out.mac, hop?.mac ?? out.mac, packetOf(frame)) };
  }

  /** bpf_fib_lookup(): everybody on the plan is known to the neighbour table. */
  #lookUpRoute(parameters: Uint8Array): number {
    const hop = nextHop(this.#plan, this.#host, fromWords(decode(FibLookup, parameters).destination, 4));
    if (hop === undefined) return BPF_FIB_LKUP_RET_NOT_FWDED;
    encodeInto(FibLookup, {
      ifindex: IFINDEX_FIRST + this.#host.interfaces.indexOf(hop.interface), lengthOrMtu: MTU, tosOrMetric: 0, vlan: 0,
      source: toWords(hop.interface.address), destination: toWords(hop.address),
      sourceMac: macBytes(hop.interface.mac), destinationMac: macBytes(hop.mac),
    }, parameters);
    return BPF_FIB_LKUP_RET_SUCCESS;
  }
}
