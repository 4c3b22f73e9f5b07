// What the traffic tests stand on: a laboratory of one method, servers that answer by name, and weir's own commands in the
// director's namespace, as an administrator runs them. Its state directory is its own: no other weir on this machine is
// touched, whatever a test does to its own.

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NetworkOptions } from "#lab/build.js";
import type { CommandResult } from "#lab/command.js";
import { leftovers, onSuddenEnd } from "#lab/namespaces.js";
import type { Worker } from "#lab/remote.js";
import { whyNoBpf, whyNoLaboratory } from "#lab/requirements.js";
import { buildTopology, type Method, type Topology } from "#lab/topology.js";

const lacking = whyNoLaboratory() ?? whyNoBpf();
/** For describe() and test(). */
export const needs = lacking === undefined ? {} : { skip: lacking };

/** The project's folder: compiled, this file is dist/out/test/traffic/bed.js. */
export const PROJECT = fileURLToPath(new URL("../../../../", import.meta.url));

/** Where the state directories stand, named after the laboratories' namespaces. */
const RUN = "/run";

export interface CommandSettings {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the director's. */
  readonly namespace?: string;
}

export class Bed {
  /** All that weir keeps is under here. */
  readonly state: string;
  readonly #callOff: () => void;

  private constructor(readonly topology: Topology, readonly client: Worker, readonly servers: readonly Worker[]) {
    this.state = join(RUN, topology.namespaces.director);
    this.#callOff = onSuddenEnd(() => removeState(this.state));
  }

  static async open(method: Method, options: NetworkOptions = {}): Promise<Bed> {
    for (const name of leftovers(readdirSync(RUN), (pid) => existsSync(`/proc/${pid}`))) removeState(join(RUN, name));
    const topology = await buildTopology(method, options);
    try {
      const [client, ...servers] = await Promise.all([topology.namespaces.client, ...topology.namespaces.servers].map(topology.worker));
      return new Bed(topology, client!, servers);
    } catch (error) {
      await topology.close();
      throw error;
    }
  }

  /** HTTP and UDP echo on every real server, the latter at the address that its packets are for. */
  async serve({ http = [], udp = [] }: { readonly http?: readonly number[]; readonly udp?: readonly number[] }): Promise<void> {
    const { method, addresses, vip } = this.topology;
    await Promise.all(this.servers.flatMap((server, i) => [
      ...http.map((port) => server.serveHttp({ name: `r${i + 1}`, port })),
      ...udp.map((port) => server.serveUdpEcho({ name: `r${i + 1}`, address: method === "nat" ? addresses.servers[i]! : vip, port })),
    ]));
  }

  /** The real servers' side of TUN. */
  async decapsulate(): Promise<void> {
    await Promise.all(this.topology.namespaces.servers.map(async (namespace) => {
      succeeded(await this.weir(["realserver", "up", "--method", "tun", "--vip", this.topology.vip], { namespace }));
    }));
  }

  /** Makes the director what the configuration says, which is no mistake; what it reported. */
  async up(configuration: object): Promise<string> {
    return succeeded(await this.weir(["apply", "-"], { input: JSON.stringify(configuration) }));
  }

  weir(args: readonly string[], settings: CommandSettings = {}): Promise<CommandResult> {
    return this.node([`${PROJECT}bin/weir`, ...args], settings);
  }

  ipvsadm(args: readonly string[], settings: CommandSettings = {}): Promise<CommandResult> {
    return this.node([`${PROJECT}bin/ipvsadm`, ...args], settings);
  }

  /** Runs Node with these arguments. */
  node(args: readonly string[], { input = "", environment, namespace = this.topology.namespaces.director }: CommandSettings = {}): Promise<CommandResult> {
    return this.topology.run(namespace, [process.execPath, ...args], { input, environment: { WEIR_STATE: this.state, ...environment } });
  }

  /** What a successful ipvsadm prints; the command as one would type it. */
  async tell(command: string): Promise<string> {
    return succeeded(await this.ipvsadm(command.split(" ")));
  }

  /** Runs a sibling of this file, a program of its own, in the director's namespace; what it prints. */
  async script(name: string, ...args: readonly string[]): Promise<string> {
    return succeeded(await this.node([fileURLToPath(new URL(`./${name}.js`, import.meta.url)), ...args]));
  }

  /** Starts a command of weir's and does not wait for it. */
  spawn(program: "weir" | "ipvsadm", args: readonly string[], input = ""): ChildProcess {
    const { director } = this.topology.namespaces;
    const child = spawn("ip", ["netns", "exec", director, process.execPath, `${PROJECT}bin/${program}`, ...args], {
      env: { ...process.env, WEIR_STATE: this.state }, stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin!.on("error", () => undefined);
    child.stdin!.end(input);
    return child;
  }

  /** In the director's namespace. */
  async ip(command: string, namespace = this.topology.namespaces.director): Promise<string> {
    return succeeded(await this.topology.run(namespace, ["ip", ...command.split(" ")]));
  }

  /** Sysctls of the director's namespace, "net/ipv4/…=1". */
  async set(setting: string): Promise<void> {
    const [path, value] = setting.split("=");
    succeeded(await this.topology.run(this.topology.namespaces.director, ["sh", "-c", `echo ${value} > /proc/sys/${path}`]));
  }

  async close(): Promise<void> {
    const { method, namespaces } = this.topology;
    try {
      succeeded(await this.weir(["down"]));
      if (method === "tun") for (const namespace of namespaces.servers) succeeded(await this.weir(["realserver", "down"], { namespace }));
    } finally {
      await this.topology.close();
      removeState(this.state);
      this.#callOff();
    }
  }
}

/** Of a director that is gone. */
export function removeState(folder: string): void {
  for (const mount of ["bpf", "realserver/bpf"]) spawnSync("umount", ["-q", join(folder, mount)]);
  rmSync(folder, { recursive: true, force: true });
}

/** The output of a command that must succeed. */
export function succeeded({ status, stdout, stderr }: CommandResult): string {
  assert.equal(status, 0, stderr || stdout);
  return stdout;
}
