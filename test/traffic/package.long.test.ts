// What `npm pack` makes, installed elsewhere by `npm install -g`: it has all that it needs, and directs.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { run } from "#lab/command.js";
import { Bed, needs, PROJECT, succeeded } from "./bed.js";

/** Dependencies come from npm's registry, or from its cache. */
const NPM_MILLISECONDS_MAX = 300_000;
/** What npm's client says where there is no way to a registry. */
const NO_REGISTRY = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

const folder = mkdtempSync(join(tmpdir(), "weir-package-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const installed = (program: string): string => join(folder, "prefix/bin", program);

const npm = (...args: readonly string[]) => run(["npm", ...args], { timeoutMilliseconds: NPM_MILLISECONDS_MAX });

describe("the package", async () => {
  let files: readonly string[] = [];
  let lacking: string | undefined;
  before(async () => {
    const [packed] = JSON.parse(succeeded(await npm("pack", PROJECT, "--json", "--ignore-scripts", "--pack-destination", folder))) as { filename: string; files: { path: string }[] }[];
    files = packed!.files.map(({ path }) => path);
    const result = await npm("install", "--global", "--prefix", join(folder, "prefix"), "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", join(folder, packed!.filename));
    if (result.status !== 0 && NO_REGISTRY.test(result.stderr)) lacking = "npm's registry cannot be reached";
    else succeeded(result);
  });

  test("has the programs, their sources and the documents, and no tests", () => {
    for (const file of ["bin/weir", "bin/ipvsadm", "src/dataplane/entry.ts", "docs/ldirectord.md", "man/weir.8", "man/weir.yaml.5", "man/ipvsadm.8", "docs/examples/nat.yaml", "README.md"]) assert.ok(files.includes(file), file);
    assert.deepEqual(files.filter((file) => /\.test\.|tsbuildinfo|^(?:test|bench|dist\/out)\//.test(file)), []);
  });

  test("runs from another prefix", async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
    assert.equal(succeeded(await run([installed("weir"), "--version"])), `${version}\n`);
    assert.match(succeeded(await run([installed("weir"), "lab", "nat", "--simulate"])), /r3 +weight 3 +30 connections/);
  });

  test("brings the manual, and puts everything else in place and takes it back", async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const root = join(folder, "root");
    mkdirSync(root);
    assert.match(readFileSync(join(folder, "prefix/share/man/man8/weir.8"), "utf8"), /^\.TH WEIR 8 /);
    succeeded(await run([installed("weir"), "install", "--ipvsadm", "--root", root]));
    const unit = readFileSync(join(root, "usr/local/lib/systemd/system/weir.service"), "utf8");
    const [, node = "", program = ""] = /^ExecStart=(\S+) (\S+) up /m.exec(unit) ?? [];
    assert.equal(realpathSync(program), realpathSync(installed("weir")));
    assert.match(succeeded(await run([node, program, "man"])), /^\.TH WEIR 8 /);
    assert.ok(readFileSync(join(root, "usr/sbin/ipvsadm"), "utf8").includes(realpathSync(installed("ipvsadm"))));
    succeeded(await run([installed("weir"), "uninstall", "--root", root]));
    assert.deepEqual(readdirSync(root), []);
  });

  test("its client has types for who imports it, the document's example among them", async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const consumer = join(folder, "consumer");
    mkdirSync(join(consumer, "node_modules"), { recursive: true });
    symlinkSync(join(folder, "prefix/lib/node_modules/weir"), join(consumer, "node_modules/weir"));
    const [, example = ""] = /```ts\n([^]*?)```/.exec(readFileSync(join(PROJECT, "docs/api.md"), "utf8")) ?? [];
    assert.match(example, /from "weir"/);
    const compile = async (name: string, text: string) => {
      writeFileSync(join(consumer, name), text);
      const options = ["--ignoreConfig", "--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--types", "", "--lib", "es2023,dom"];
      return run([process.execPath, join(PROJECT, "node_modules/typescript/bin/tsc"), ...options, join(consumer, name)]);
    };
    writeFileSync(join(consumer, "package.json"), `{ "type": "module" }`);
    const right = await compile("right.ts", example);
    assert.deepEqual([right.status, right.stdout], [0, ""]);
    const wrong = await compile("wrong.ts", example.replace('protocol: "tcp"', 'protocol: "tpc"'));
    assert.match(wrong.stdout, /^[^\n]*wrong\.ts\(\d+,\d+\): error TS\d+: .*"tpc"/);
  });

  test("directs from there", needs, async (t) => {
    if (lacking !== undefined) return t.skip(lacking);
    const bed = await Bed.open("nat");
    try {
      const { client, topology: { vip, addresses } } = bed;
      await bed.serve({ http: [8080] });
      // Nothing that another test's weir compiled.
      const environment = { WEIR_CACHE: join(folder, "cache") };
      for (const command of [`-A -t ${vip}:80 -s rr`, `-a -t ${vip}:80 -r ${addresses.servers[1]}:8080 -m`]) {
        succeeded(await bed.node([installed("ipvsadm"), ...command.split(" ")], { environment }));
      }
      assert.equal((await client.get({ address: vip, port: 80 })).server, "r2");
      succeeded(await bed.node([installed("weir"), "down"]));
    } finally {
      await bed.close();
    }
  });
});
