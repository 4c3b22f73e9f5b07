// The scenario of the kernel's own test of IPVS (Linux v6.12 tools/testing/selftests/net/netfilter/ipvs.sh): a megabyte through
// each method, by plain ipvsadm commands, in a network that routes the VIP to the director. Nothing of weir's stays running.
//
//   client ──── br0 ──────┬── director ── 172.16.0.0/24 ── server
//     10.0.0.2            │     10.0.0.1     .1        .2
//                         └── server 10.0.0.3                       the server's way back by DR and TUN
//
// The kernel's test takes an ipip device for TUN; where the kernel has none, as here, a program of weir's takes the outer
// header off (weir realserver).

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { must, run } from "#lab/command.js";
import { addNamespaces, laboratoryPrefix, onSuddenEnd, removeLeftovers, removeNamespaces } from "#lab/namespaces.js";
import type { Worker } from "#lab/remote.js";
import { startWorker } from "#lab/remote.js";
import { needs, PROJECT, removeState, succeeded } from "./bed.js";

const VIP = "207.175.44.110";
const PORT = 8080;
const RIP = "172.16.0.2";
const MEBIBYTE = 2 ** 20;

describe("the scenario of the kernel's test of IPVS", needs, () => {
  let net: Network;
  before(async () => { net = await Network.build(); });
  after(() => net?.remove());

  test("DR", async () => {
    await net.ipvsadm(`-A -t ${VIP}:${PORT} -s rr`, `-a -t ${VIP}:${PORT} -r ${RIP}:${PORT}`);
    await net.ip("server", `addr add ${VIP}/32 dev lo`);
    await net.set("server", "net/ipv4/conf/all/arp_ignore=1", "net/ipv4/conf/all/arp_announce=2");
    await net.carriesMebibyte();
    await net.ip("server", `addr del ${VIP}/32 dev lo`);
  });

  test("TUN", async () => {
    await net.ipvsadm("-C", `-A -t ${VIP}:${PORT} -s rr`, `-a -i -t ${VIP}:${PORT} -r ${RIP}:${PORT}`);
    await net.weir("server", "realserver", "up", "--method", "tun", "--vip", VIP);
    await net.carriesMebibyte();
    await net.weir("server", "realserver", "down");
  });

  test("NAT", async () => {
    await net.ipvsadm("-C", `-A -t ${VIP}:${PORT} -s rr`, `-a -m -t ${VIP}:${PORT} -r ${RIP}:${PORT}`);
    await net.ip("server", "link del eth1", "route add default via 172.16.0.1 dev eth0");
    await net.carriesMebibyte();
  });
});

type Host = "client" | "director" | "server";
const HOSTS: readonly Host[] = ["client", "director", "server"];

class Network {
  readonly #workers: Worker[] = [];
  #carried = 0;

  private constructor(readonly namespaces: Readonly<Record<Host, string>>, readonly state: string, readonly callOff: () => void) {}

  static async build(): Promise<Network> {
    await removeLeftovers();
    const prefix = laboratoryPrefix();
    const namespaces = { client: `${prefix}-client`, director: `${prefix}-director`, server: `${prefix}-server` };
    const state = join("/run", namespaces.director);
    const net = new Network(namespaces, state, onSuddenEnd(() => removeState(state)));
    await addNamespaces(Object.values(namespaces));
    try {
      for (const host of HOSTS) await net.set(host, "net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0");
      await net.connect();
      net.#workers.push(...await Promise.all([namespaces.client, namespaces.server].map(startWorker)));
      await net.#workers[1]!.serveHttp({ name: "server", port: PORT });
      return net;
    } catch (error) {
      await net.remove();
      throw error;
    }
  }

  async connect(): Promise<void> {
    const { director, server } = this.namespaces;
    await this.ip("client",
      "link add br0 type bridge", `link add port1 type veth peer name eth0 netns ${director}`, `link add port2 type veth peer name eth1 netns ${server}`,
      "link set port1 master br0 up", "link set port2 master br0 up", "link set br0 up", "addr add 10.0.0.2/24 dev br0", `route add ${VIP} via 10.0.0.1 dev br0`);
    await this.ip("director", `link add eth1 type veth peer name eth0 netns ${server}`,
      "link set lo up", "addr add 10.0.0.1/24 dev eth0", "link set eth0 up", "addr add 172.16.0.1/24 dev eth1", "link set eth1 up", `addr add ${VIP}/32 dev lo`);
    await this.ip("server", "link set lo up", "addr add 172.16.0.2/24 dev eth0", "link set eth0 up", "addr add 10.0.0.3/24 dev eth1", "link set eth1 up");
    await this.set("director", "net/ipv4/ip_forward=1");
  }

  async carriesMebibyte(): Promise<void> {
    const { server, bytes, intact } = await this.#workers[0]!.post({ address: VIP, port: PORT, bytes: MEBIBYTE });
    assert.deepEqual([server, bytes, intact], ["server", MEBIBYTE, true]);
    const [conns, packets] = (await this.#node("director", "weir", ["proc", "ip_vs_stats"])).split("\n")[2]!.trim().split(/ +/).map((cell) => parseInt(cell, 16));
    this.#carried += 1;
    assert.equal(conns, this.#carried, "the connection was the director's");
    assert.ok(packets! >= MEBIBYTE / 65536, `${packets} packets`);
  }

  async ipvsadm(...commands: readonly string[]): Promise<void> {
    for (const command of commands) await this.#node("director", "ipvsadm", command.split(" "));
  }

  async weir(host: Host, ...args: readonly string[]): Promise<void> {
    await this.#node(host, "weir", args);
  }

  async ip(host: Host, ...commands: readonly string[]): Promise<void> {
    await must(["ip", "-n", this.namespaces[host], "-batch", "-"], { input: commands.join("\n") });
  }

  async set(host: Host, ...settings: readonly string[]): Promise<void> {
    const script = settings.map((setting) => setting.split("=")).map(([path, value]) => `echo ${value} > /proc/sys/${path}`).join("\n");
    await must(["ip", "netns", "exec", this.namespaces[host], "sh", "-e"], { input: script });
  }

  async remove(): Promise<void> {
    try {
      await this.weir("director", "down");
    } finally {
      await Promise.all(this.#workers.map((worker) => worker.end()));
      await removeNamespaces(Object.values(this.namespaces));
      removeState(this.state);
      this.callOff();
    }
  }

  async #node(host: Host, program: "weir" | "ipvsadm", args: readonly string[]): Promise<string> {
    const argv = ["ip", "netns", "exec", this.namespaces[host], process.execPath, `${PROJECT}bin/${program}`, ...args];
    return succeeded(await run(argv, { environment: { WEIR_STATE: this.state } }));
  }
}
