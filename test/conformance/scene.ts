// What a script's generator knows while it writes: the services it made and the flows it began.

import type { Random } from "../packets/random.js";
import { VIP, client, distantClient } from "../packets/network.js";
import type { End } from "../packets/frame.js";
import type { Feature } from "./feature.js";
import type { Flow } from "./script.js";

/** The director has both; services are at either. */
export const VIRTUAL_ADDRESSES = [VIP, "10.0.0.101"] as const;

/** What a script's destinations are forwarded by. */
const METHODS = [["-m"], ["-m", "-i"], ["-g", "-i"], ["-m", "-g", "-i"]] as const;

export interface ServiceSketch {
  readonly protocol: "tcp" | "udp";
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
  #identification = 0x100;

  constructor(readonly random: Random, readonly features: readonly Feature[]) {
    this.methods = random.pick(METHODS);
  }

  get protocols(): readonly Flow["protocol"][] {
    return (["tcp", "udp"] as const).filter((protocol) => this.features.some(({ name }) => name === protocol));
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

  /** One of few, so that some come again. */
  anyClient(): End {
    const { random } = this;
    const address = random.percent(30) ? client.address : distantClient(random.below(12) * 37 + 1).address;
    return { address, port: 20000 + random.below(400) };
  }
}
