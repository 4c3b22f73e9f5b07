// Two directors of one VIP on one segment with a client and a real server, and commands in each, as an administrator runs them.
//
//   client ── bridge ─┬─ first
//                     ├─ second
//                     └─ server

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { TestNamespace } from "../packets/test-namespace.js";
import { addNamespace } from "../packets/test-namespace.js";
import { PROJECT } from "./bed.js";

export const VIP = "10.77.9.9";
export const [FIRST, SECOND, SERVER, CLIENT] = ["10.77.0.1", "10.77.0.2", "10.77.0.10", "10.77.0.254"] as const;

export class TwoDirectors {
  readonly client = addNamespace();
  readonly first = addNamespace();
  readonly second = addNamespace();
  readonly server = addNamespace();

  /** Lays the wires; whatever it throws, close() clears away. */
  connect(): void {
    const hosts = [[this.first, FIRST, "to-first"], [this.second, SECOND, "to-second"], [this.server, SERVER, "to-server"]] as const;
    this.ip(this.client, "link set lo up");
    this.ip(this.client, "link add br0 type bridge mcast_snooping 0");
    this.#useAtOnce(this.client, "br0");
    for (const [namespace, address, name] of hosts) {
      this.ip(this.client, `link add ${name} type veth peer name eth0 netns ${namespace.name}`);
      this.ip(this.client, `link set ${name} master br0 up`);
      this.#useAtOnce(namespace, "eth0");
      for (const command of ["link set lo up", "link set eth0 up", `addr add ${address}/24 dev eth0`]) this.ip(namespace, command);
    }
    this.ip(this.client, "link set br0 up");
    this.ip(this.client, `addr add ${CLIENT}/24 dev br0`);
  }

  run({ name, stateRoot }: TestNamespace, ...command: readonly string[]): { readonly status: number | null; readonly text: string } {
    const { status, stdout, stderr } = spawnSync("ip", ["netns", "exec", name, ...command], { encoding: "utf8", env: { ...process.env, WEIR_STATE: stateRoot } });
    return { status, text: stdout + stderr };
  }

  succeed(namespace: TestNamespace, ...command: readonly string[]): string {
    const { status, text } = this.run(namespace, ...command);
    assert.equal(status, 0, `${command.join(" ")}: ${text}`);
    return text;
  }

  // Of these, one command as one would type it.

  ip(namespace: TestNamespace, command: string): string {
    return this.succeed(namespace, "ip", ...command.split(" "));
  }

  weir(namespace: TestNamespace, command: string): string {
    return this.succeed(namespace, "node", `${PROJECT}bin/weir`, ...command.split(" "));
  }

  ipvsadm(namespace: TestNamespace, command: string): string {
    return this.succeed(namespace, "node", `${PROJECT}bin/ipvsadm`, ...command.split(" "));
  }

  /** Packets to the VIP go by that director. */
  routeBy(address: string): void {
    this.ip(this.client, `route replace ${VIP} via ${address}`);
  }

  close(): void {
    for (const namespace of [this.first, this.second]) this.run(namespace, "node", `${PROJECT}bin/weir`, "down");
    for (const namespace of [this.client, this.first, this.second, this.server]) namespace.remove();
  }

  /** IPv6 addresses of that device are not asked for first. */
  #useAtOnce(namespace: TestNamespace, device: string): void {
    this.succeed(namespace, "sh", "-c", `echo 0 >/proc/sys/net/ipv6/conf/${device}/accept_dad`);
  }
}
