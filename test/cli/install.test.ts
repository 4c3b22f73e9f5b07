// weir install and uninstall, in a root of the test's own: what is put where, what stays, and that nothing is left.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { hashOf } from "#cli/weir/install/record.js";
import { sampleConfiguration } from "#cli/weir/install/sample.js";
import { InstallError, Steps } from "#cli/weir/install/steps.js";
import { CAPABILITIES, systemdUnit } from "#cli/weir/install/unit.js";
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

  test("leaves weir the capabilities that it needs, in the mount namespace that it shares", { skip: whyNoBpf() ?? (spawnSync("setpriv", ["--version"]).error === undefined ? undefined : "setpriv is not installed") }, () => {
    const namespace = `weir-install-${process.pid}`;
    const state = `/run/${namespace}`;
    const file = join(folder, "weir.yaml");
    writeFileSync(file, "interfaces: [eth0]\nservices: [{ protocol: tcp, address: '10.0.0.100:80', interface: eth0, method: dr, destinations: [{ address: 10.0.0.11 }] }]\nmarks: [{ mark: 1 }]\n");
    const ip = (...args: readonly string[]): void => { assert.equal(spawnSync("ip", args, { encoding: "utf8" }).stderr, ""); };
    const bounding = Object.keys(CAPABILITIES).map((name) => `+${name.replace("CAP_", "").toLowerCase()}`);
    const weir = (capabilities: readonly string[], ...args: readonly string[]) => spawnSync("nsenter", [
      `--net=/run/netns/${namespace}`, "setpriv", "--bounding-set", ["-all", ...capabilities].join(","), "--inh-caps", "-all", process.execPath, command, ...args,
    ], { encoding: "utf8", env: { ...process.env, WEIR_STATE: state } });
    ip("netns", "add", namespace);
    try {
      ip("-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
      ip("-n", namespace, "link", "set", "eth0", "up");
      assert.notEqual(weir([], "apply", file).status, 0);
      const { stdout, stderr, status } = weir(bounding, "apply", file);
      assert.deepEqual({ stderr, status }, { stderr: "", status: 0 });
      assert.match(stdout, /attached at tc/);
      // Seen by commands that are not of the service.
      const seen = spawnSync("nsenter", [`--net=/run/netns/${namespace}`, process.execPath, command, "status"], { encoding: "utf8", env: { ...process.env, WEIR_STATE: state } });
      assert.match(seen.stdout, /tcp 10\.0\.0\.100:80/);
      assert.equal(weir(bounding, "down").status, 0);
    } finally {
      spawnSync("ip", ["netns", "delete", namespace]);
      spawnSync("umount", [join(state, "bpf")]);
      rmSync(state, { recursive: true, force: true });
    }
  });
});

test("the first configuration is right, as it stands and with its comments' marks taken away", () => {
  const environment = { file: CONFIGURATION, interfaces: ["eth0", "eth1"], schedulers: ["wrr"] };
  const text = sampleConfiguration("/usr/lib/node_modules/weir");
  assert.deepEqual(parseConfig(text, environment).services, []);
  const { services, interfaces } = parseConfig(text.replace("services: []\n", "").replaceAll(/^#(?=(?:  )*[-\w])/gm, ""), environment);
  assert.equal(interfaces.length, 2);
  assert.deepEqual(services.map(({ destinations }) => destinations.map(({ health }) => health.checks.length)), [[1, 1]]);
});
