// weir install and uninstall, in a root of the test's own: what is put where, what stays, and that nothing is left.

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { hashOf } from "#cli/weir/install/record.js";
import { sampleConfiguration } from "#cli/weir/install/sample.js";
import { InstallError, Steps } from "#cli/weir/install/steps.js";
import { CAPABILITIES, systemdUnit } from "#cli/weir/install/unit.js";
import { libc } from "#kernel/ffi.js";
import { whyNoBpf } from "#lab/requirements.js";
import { parseConfig } from "#model/config.js";

// Compiled, this file is dist/out/test/cli/install.test.js.
const project = fileURLToPath(new URL("../../../..", import.meta.url));
const command = join(project, "bin/weir");
const folder = mkdtempSync(join(tmpdir(), "weir-install-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const UNIT = "/usr/local/lib/systemd/system/weir.service";
const CONFIGURATION = "/etc/weir/weir.yaml";

class Root {
  static #count = 0;
  readonly path = join(folder, `root-${Root.#count++}`);

  constructor(files: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.path);
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  weir(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args, "--root", this.path], { encoding: "utf8" });
    assert.doesNotMatch(stderr, /\n    at /);
    return { status, stdout, stderr };
  }

  read = (path: string): string => readFileSync(join(this.path, path), "utf8");
  has = (path: string): boolean => existsSync(join(this.path, path));
  mode = (path: string): number => statSync(join(this.path, path)).mode & 0o777;

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.path, path)), { recursive: true });
    writeFileSync(join(this.path, path), text);
  }

  /** Every file, folder and link. */
  entries(): readonly string[] {
    return (readdirSync(this.path, { recursive: true }) as string[]).map((entry) => `/${entry}`).sort();
  }

  files(): readonly string[] {
    return this.entries().filter((entry) => !statSync(join(this.path, entry)).isDirectory());
  }
}

const done = ({ status, stdout, stderr }: ReturnType<Root["weir"]>): string => {
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return stdout;
};

test("install puts everything in place, says each, and does nothing more the second time", () => {
  const root = new Root();
  const lines = done(root.weir("install")).trim().split("\n");
  assert.deepEqual(root.files(), [
    CONFIGURATION, UNIT, "/usr/local/share/bash-completion/completions/weir", "/usr/local/share/fish/vendor_completions.d/weir.fish",
    "/usr/local/share/man/man5/weir.yaml.5", "/usr/local/share/man/man8/weir.8", "/usr/local/share/zsh/site-functions/_weir", "/var/lib/weir/install.json",
  ]);
  assert.deepEqual(lines.slice(0, -1).sort(), root.files().filter((path) => !path.endsWith(".json")).map((path) => `put ${path}`).sort());
  assert.equal(root.mode(CONFIGURATION), 0o640);
  assert.equal(root.mode(UNIT), 0o644);
  const before = root.files().map((path) => [path, root.read(path)]);
  assert.match(done(root.weir("install")), /^(?:stands .*\n)+nothing to change\n$/);
  assert.deepEqual(root.files().map((path) => [path, root.read(path)]), before);
});

test("uninstall leaves nothing, the folders that were made included", () => {
  const root = new Root({ "/usr/local/share/man/man8/other.8": "other" });
  const before = root.entries();
  done(root.weir("install", "--ipvsadm"));
  assert.match(done(root.weir("uninstall")), new RegExp(`^taken ${UNIT}$`, "m"));
  assert.deepEqual(root.entries(), before);
  assert.match(done(root.weir("uninstall")), /nothing to take back/);
});

test("ipvsadm is put where root's PATH and programs find it, runs with this node, and stays asked for", () => {
  const root = new Root();
  done(root.weir("install"));
  done(root.weir("install", "--ipvsadm"));
  for (const path of ["/usr/sbin/ipvsadm", "/usr/local/sbin/ipvsadm"]) assert.equal(root.mode(path), 0o755);
  const { stdout, status } = spawnSync(join(root.path, "/usr/sbin/ipvsadm"), ["--version"], { encoding: "utf8", env: { PATH: "/nowhere" } });
  if (process.getuid?.() === 0) assert.deepEqual({ stdout, status }, { stdout: "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n", status: 0 });
  for (const path of ["/usr/local/share/man/man8/ipvsadm.8", "/usr/local/share/bash-completion/completions/ipvsadm"]) assert.ok(root.has(path), path);
  assert.match(done(root.weir("install")), /^stands \/usr\/local\/sbin\/ipvsadm$/m);
});

test("the system's own ipvsadm stays, and it is said how to divert it", () => {
  const root = new Root({ "/usr/sbin/ipvsadm": "\x7fELF" });
  const text = done(root.weir("install", "--ipvsadm"));
  assert.match(text, /^kept \/usr\/sbin\/ipvsadm: it is the system's own; .*dpkg-divert --local --rename --add \/usr\/sbin\/ipvsadm/m);
  assert.equal(root.read("/usr/sbin/ipvsadm"), "\x7fELF");
  assert.ok(root.has("/usr/local/sbin/ipvsadm"));
  done(root.weir("uninstall"));
  assert.deepEqual(root.files(), ["/usr/sbin/ipvsadm"]);
});

test("a configuration that is there is never touched, by install or by uninstall", () => {
  const root = new Root({ [CONFIGURATION]: "services: []\n" });
  assert.match(done(root.weir("install")), /^kept \/etc\/weir\/weir\.yaml: it is there already$/m);
  done(root.weir("uninstall"));
  assert.deepEqual(root.files(), [CONFIGURATION]);
  assert.equal(root.read(CONFIGURATION), "services: []\n");
});

test("what was changed since is kept and named; what was not is renewed", () => {
  const root = new Root();
  done(root.weir("install"));
  root.write(CONFIGURATION, "services: [] # mine\n");
  // As an older version would have written it.
  const { files, folders } = JSON.parse(root.read("/var/lib/weir/install.json")) as { files: Record<string, string>; folders: string[] };
  const unit = root.read(UNIT);
  root.write(UNIT, "older");
  root.write("/var/lib/weir/install.json", JSON.stringify({ files: { ...files, [UNIT]: hashOf("older") }, folders }));
  const text = done(root.weir("install"));
  assert.match(text, new RegExp(`^replaced ${UNIT}$`, "m"));
  assert.match(text, /^kept \/etc\/weir\/weir\.yaml: it was changed since/m);
  assert.equal(root.read(UNIT), unit);
  assert.match(done(root.weir("uninstall")), /^kept \/etc\/weir\/weir\.yaml: it was changed since weir install put it$/m);
  assert.deepEqual(root.files(), [CONFIGURATION]);
});

test("another's files are all named, and nothing is changed", () => {
  const root = new Root({ [UNIT]: "[Unit]\n", "/usr/local/share/man/man8/weir.8": ".TH OTHER" });
  const before = root.entries();
  const { status, stdout, stderr } = root.weir("install");
  assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
  assert.equal(stderr, `${UNIT} is there, and weir install did not put it; move it away\n/usr/local/share/man/man8/weir.8 is there, and weir install did not put it; move it away\nNothing was changed.\n`);
  assert.deepEqual(root.entries(), before);
});

test("pages that npm has linked to the package stay npm's", () => {
  const root = new Root();
  const page = "/usr/local/share/man/man8/weir.8";
  mkdirSync(dirname(join(root.path, page)), { recursive: true });
  symlinkSync(join(project, "package.json"), join(root.path, page));
  assert.match(done(root.weir("install")), /^stands \/usr\/local\/share\/man\/man8\/weir\.8$/m);
  done(root.weir("uninstall"));
  assert.deepEqual(root.files(), [page]);
});

test("a run that fails half-way leaves nothing", () => {
  const root = new Root({ "/usr/local/share/zsh": "a file where a folder should be" });
  const before = root.entries();
  const { status, stderr } = root.weir("install");
  assert.equal(status, 1);
  assert.match(stderr, /^weir: Cannot make the folder .*zsh\/site-functions: ENOTDIR.*; what was done before is taken back\n$/);
  assert.deepEqual(root.entries(), before);
});

test("a step that fails takes back files that were put and replaced, and folders", () => {
  const root = new Root({ "/a": "old" });
  const steps = new Steps();
  steps.makeFolder(join(root.path, "b/c"));
  steps.put(join(root.path, "b/c/d"), "new", 0o600);
  steps.put(join(root.path, "a"), "new", 0o600);
  assert.equal(root.read("/a"), "new");
  assert.throws(() => steps.run("try", () => { throw new Error("no"); }), (error) => error instanceof InstallError && error.message === "Cannot try: no; what was done before is taken back");
  assert.deepEqual(root.entries(), ["/a"]);
  assert.equal(root.read("/a"), "old");
});

describe("the unit", () => {
  const unit = systemdUnit({ root: "/", source: "", node: process.execPath, packageFolder: project.replace(/\/$/, "") });

  test("is right in systemd's eyes", { skip: spawnSync("systemd-analyze", ["--version"]).error === undefined ? undefined : "systemd-analyze is not installed" }, () => {
    const path = join(folder, "weir.service");
    writeFileSync(path, unit);
    const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
    assert.deepEqual(stderr.split("\n").filter((line) => line.includes("weir")), []);
    writeFileSync(path, unit.replace("Type=notify", "Tpye=notify"));
    assert.match(spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" }).stderr, /weir\.service:\d+: Unknown key (?:name )?'Tpye'/);
  });

  test("has nothing that gives it a mount namespace of its own", () => {
    const settings = [...unit.matchAll(/^(\w+)=/gm)].map(([, name]) => name!);
    // systemd.exec(5), v257: what it says so of.
    const others = /^(?:ProtectSystem|ProtectHome|ProtectKernel\w+|ProtectControlGroups|ProtectProc|ProcSubset|Private\w+|MountAPIVFS|MountFlags|Root\w+|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|ExecPaths|NoExecPaths|Bind\w*Paths|TemporaryFileSystem|DynamicUser|\w+Directory)$/;
    assert.ok(settings.length > 15);
    assert.deepEqual(settings.filter((name) => others.test(name)), []);
  });

  test("escapes what systemd would read otherwise", () => {
    assert.match(systemdUnit({ root: "/", source: "/p", node: "/opt/a b/100%/$x", packageFolder: "/p" }), /^ExecStart="\/opt\/a b\/100%%\/\$\$x" \/p\/bin\/weir up \/etc\/weir\/weir\.yaml$/m);
  });

  test("leaves weir the capabilities that it needs, and is told when it is ready", { skip: whyNoBpf() ?? lacksSetpriv() }, async () => {
    const network = new Network();
    try {
      const file = join(folder, "weir.yaml");
      const write = (weight: number): void => writeFileSync(file, JSON.stringify({
        interfaces: ["eth0"], marks: [{ mark: 1 }],
        services: [{ protocol: "tcp", address: "10.0.0.100:80", interface: "eth0", method: "dr", destinations: [{ address: "10.0.0.11", weight, checks: [{ type: "ping", retries: 100, retryDelay: 60 }] }] }],
      }));
      write(1);
      const bounding = Object.keys(CAPABILITIES).map((name) => `+${name.replace("CAP_", "").toLowerCase()}`);
      assert.notEqual(network.weir(["apply", file], []).status, 0);
      const manager = new ServiceManager(join(folder, "notify"));
      const daemon = network.start(["up", file], bounding, { NOTIFY_SOCKET: manager.path });
      try {
        assert.match(await manager.next(), /^READY=1\nSTATUS=1 of 1 servers healthy$/);
        // Seen by commands that are not of the service.
        assert.match(network.weir(["status"]).stdout, /tcp 10\.0\.0\.100:80/);
        write(5);
        daemon.kill("SIGHUP");
        assert.match(await manager.next(), /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
        assert.match(await manager.next(), /^READY=1\n/);
        assert.match(network.weir(["status"]).stdout, /10\.0\.0\.11:80 +dr +5/);
        daemon.kill("SIGTERM");
        assert.equal(await manager.next(), "STOPPING=1");
      } finally {
        if (daemon.exitCode === null) await Promise.race([once(daemon, "exit"), delay(5000).then(() => daemon.kill("SIGKILL"))]);
        manager.close();
      }
      assert.equal(daemon.exitCode, 0);
      assert.match(network.weir(["status"]).stdout, /tcp 10\.0\.0\.100:80/, "it forwards on");
      assert.equal(network.weir(["down"], bounding).status, 0);
    } finally {
      network.close();
    }
  });
});

function lacksSetpriv(): string | undefined {
  return spawnSync("setpriv", ["--version"]).error === undefined ? undefined : "setpriv is not installed";
}

/** A network namespace with an interface, in the mount namespace that this process is in. */
class Network {
  readonly #name = `weir-install-${process.pid}`;
  readonly #state = `/run/${this.#name}`;

  constructor() {
    this.#ip("netns", "add", this.#name);
    this.#ip("-n", this.#name, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
    this.#ip("-n", this.#name, "link", "set", "eth0", "up");
  }

  #ip(...args: readonly string[]): void {
    assert.equal(spawnSync("ip", args, { encoding: "utf8" }).stderr, "");
  }

  /** `capabilities`: those that are left, as setpriv writes them; undefined: all. */
  weir(args: readonly string[], capabilities?: readonly string[]) {
    const [program, ...rest] = this.#argv(args, capabilities);
    return spawnSync(program!, rest, { encoding: "utf8", env: { ...process.env, WEIR_STATE: this.#state } });
  }

  start(args: readonly string[], capabilities: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
    const [program, ...rest] = this.#argv(args, capabilities);
    return spawn(program!, rest, { stdio: "ignore", env: { ...process.env, WEIR_STATE: this.#state, ...environment } });
  }

  #argv(args: readonly string[], capabilities?: readonly string[]): readonly string[] {
    const bounded = capabilities === undefined ? [] : ["setpriv", "--bounding-set", ["-all", ...capabilities].join(","), "--inh-caps", "-all"];
    return ["nsenter", `--net=/run/netns/${this.#name}`, ...bounded, process.execPath, command, ...args];
  }

  close(): void {
    spawnSync("ip", ["netns", "delete", this.#name]);
    spawnSync("umount", [join(this.#state, "bpf")]);
    rmSync(this.#state, { recursive: true, force: true });
  }
}

/** What systemd listens at for what its services tell: sd_notify(3). */
class ServiceManager {
  readonly #fd: number;

  constructor(readonly path: string) {
    this.#fd = libc().socket(1, 2, 0);
    const address = Buffer.from(`\x01\x00${path}\x00`, "latin1");
    assert.equal(libc().bind(this.#fd, address, address.length), 0);
  }

  async next(): Promise<string> {
    const bytes = new Uint8Array(4096);
    for (let tries = 0; tries < 600; tries++) {
      const length = libc().recv(this.#fd, bytes, bytes.length, MSG_DONTWAIT);
      if (length >= 0) return Buffer.from(bytes.subarray(0, length)).toString();
      await delay(50);
    }
    throw new Error("nothing was told in half a minute");
  }

  close(): void {
    closeSync(this.#fd);
  }
}
const MSG_DONTWAIT = 0x40;

test("the first configuration is right, as it stands and with its comments' marks taken away", () => {
  const environment = { file: CONFIGURATION, interfaces: ["eth0", "eth1"], schedulers: ["wrr"] };
  const text = sampleConfiguration("/usr/lib/node_modules/weir");
  assert.deepEqual(parseConfig(text, environment).services, []);
  const { services, interfaces } = parseConfig(text.replace("services: []\n", "").replaceAll(/^#(?=(?:  )*[-\w])/gm, ""), environment);
  assert.equal(interfaces.length, 2);
  assert.deepEqual(services.map(({ destinations }) => destinations.map(({ health }) => health.checks.length)), [[1, 1]]);
});
