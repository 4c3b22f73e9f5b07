// Clients of services that nothing is to disturb, while others come, change and go: what they ask and whether it is answered.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Topology } from "#lab/topology.js";
import type { Bed } from "./bed.js";
import { service } from "./services.js";

/** Of HTTP and of the UDP echo, at the real servers. */
export const SERVER_PORT = 8080;
export const ECHO_PORT = 5353;

export function untouchedServices(topology: Topology): readonly object[] {
  return [service(topology, { serverPort: SERVER_PORT }), service(topology, { protocol: "udp", port: 53, serverPort: ECHO_PORT })];
}

/** What goes on at the services that no configuration changes: datagrams from new ports, requests on new connections and on one that stays. */
export class UntouchedTraffic {
  #running = true;
  readonly #done: Promise<unknown>;
  readonly #counts = { asked: 0, answered: 0, requests: 0, errors: 0 };
  readonly #bed: Bed;

  constructor(bed: Bed) {
    this.#bed = bed;
    this.#done = Promise.all([this.#datagrams(bed), this.#requests(bed), this.#session(bed)]);
    this.#done.catch(() => {});
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  /** The same; every datagram was answered, every connection came about at the first attempt, and the one that stayed did. How many there were. */
  async lostNothing(): Promise<{ readonly asked: number; readonly requests: number }> {
    await this.end();
    const { asked, answered, requests, errors } = this.#counts;
    assert.ok(asked > 10 && requests > 10, `${asked} datagrams, ${requests} requests`);
    assert.deepEqual({ answered, errors }, { answered: asked, errors: 0 });
    assert.equal(await synRetransmissions(this.#bed), 0, "beginnings of connections were lost");
    return { asked, requests };
  }

  async #datagrams({ client, topology: { vip: address } }: Bed): Promise<void> {
    for (; this.#running; await delay(5)) {
      this.#counts.asked += 3;
      this.#counts.answered += (await client.udpEcho({ address, port: 53, count: 3 })).length;
    }
  }

  async #requests({ client, topology: { vip: address } }: Bed): Promise<void> {
    for (; this.#running; await delay(5)) {
      try {
        await client.get({ address, port: 80 });
        this.#counts.requests++;
      } catch {
        this.#counts.errors++;
      }
    }
  }

  async #session({ client, topology: { vip: address } }: Bed): Promise<void> {
    const session = await client.openSession({ address, port: 80 });
    const { server } = await client.sessionGet(session);
    for (; this.#running; await delay(5)) assert.equal((await client.sessionGet(session)).server, server);
    await client.close(session);
  }
}

/** Of the client's own, in its namespace. Linux net/ipv4/proc.c: TCPSynRetrans. */
async function synRetransmissions({ topology }: Bed): Promise<number> {
  const { stdout } = await topology.run(topology.namespaces.client, ["cat", "/proc/net/netstat"]);
  const [names = [], values = []] = stdout.split("\n").filter((line) => line.startsWith("TcpExt:")).map((line) => line.split(" "));
  return Number(values[names.indexOf("TCPSynRetrans")]);
}
