// What a script's generator knows while it writes: the services it made and the flows it began.

import type { Random } from "../packets/random.js";
import type { End } from "../packets/frame.js";
import type { Addresses } from "./addresses.js";
import { addressesOf } from "./addresses.js";
import type { Feature } from "./feature.js";
import type { Kind } from "./kind.js";
import type { Flow } from "./script.js";

/** What a script's destinations are forwarded by. */
const LADDER = ["-g", "-m", "-i"];
const METHODS = [["-m"], ["-m", "-i"], ["-g", "-i"], ["-m", "-g", "-i"]] as const;
/** What a server of the other family than its service's is forwarded by, always. */
const ACROSS_FAMILIES = "-i";

export interface ServiceSketch {
  readonly addresses: Addresses;
  readonly protocol: Flow["protocol"];
  /** It is a service by this mark, and `virtual` is what packets with it are for. */
  readonly mark?: number | undefined;
  readonly virtual: End;
  /** By "ADDRESS:PORT", as they were given. */
  readonly destinations: Set<string>;
}

export interface FlowSketch {
  readonly flow: Flow;
  /** Packets so far. */
  packets: number;
}

export class Scene {
  readonly services: ServiceSketch[] = [];
  readonly flows: FlowSketch[] = [];
  /** Of forwarding: ipvsadm's options. */
  readonly methods: readonly string[];
  /** Whether a server by TUN was removed. */
  tunnelsRemoved = false;
  readonly #methodOf = new Map<string, string>();
  #identification = 0x100;

  constructor(readonly random: Random, readonly kind: Kind, readonly features: readonly Feature[]) {
    const methods: readonly string[] = kind.methods ?? random.pick(METHODS);
    this.methods = this.mixesFamilies && !methods.includes(ACROSS_FAMILIES) ? [...methods, ACROSS_FAMILIES] : methods;
  }

  get mixesFamilies(): boolean {
    return this.kind.families.length > 1;
  }

  /** Of a service, or of a destination. */
  anyAddresses(): Addresses {
    const { families } = this.kind;
    return this.mixesFamilies ? this.random.pick(families) : families[0]!;
  }

  get protocols(): readonly Flow["protocol"][] {
    return (["tcp", "udp", "sctp"] as const).filter((protocol) => this.features.some(({ name }) => name === protocol));
  }

  /**
   * For a destination of a service, by the names of both: another than it had may come later in the order of LADDER only. IPVS remembers the route of a
   * standing connection's last packet with the destination, and sends nothing by DR where that was another method's; and it gives no
   * heed to errors out of a tunnel whose server has another method meanwhile. weir goes on in both cases (docs/lvs-compatibility.md).
   */
  methodFor(destination: string, acrossFamilies: boolean): string {
    const before = LADDER.indexOf(this.#methodOf.get(destination) ?? "");
    const method = acrossFamilies ? ACROSS_FAMILIES : this.random.pick(this.methods);
    const chosen = LADDER[Math.max(before, LADDER.indexOf(method))]!;
    this.#methodOf.set(destination, chosen);
    return chosen;
  }

  /** Takes note of a destination that goes, named as for methodFor(). */
  removed(destination: string): void {
    if (this.#methodOf.get(destination) === "-i") this.tunnelsRemoved = true;
  }

  /** For the next datagram. */
  identification(): number {
    return this.#identification++;
  }

  begin(protocol: Flow["protocol"], virtual: End, from: End): FlowSketch {
    const sketch = { flow: { number: this.flows.length + 1, protocol, client: from, virtual }, packets: 0 };
    this.flows.push(sketch);
    return sketch;
  }

  /** A service on port 0 is at every port. */
  somePortOf({ address, port }: End): End {
    return { address, port: port === 0 ? this.random.pick([21, 80, 3000]) : port };
  }

  /** Of somebody at `virtual`; one of few, so that some come again. */
  anyClient(virtual: End): End {
    const { random } = this;
    const { client, distantClient } = addressesOf(virtual.address);
    const address = random.percent(30) ? client.address : distantClient(random.below(12) * 37 + 1).address;
    return { address, port: 20000 + random.below(400) };
  }
}
