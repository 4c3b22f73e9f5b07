// docs/api.md says what is so: its commands are run, its program too, its codes and paths are those that there are.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ApiServer } from "#api/listen.js";
import { listen } from "#api/listen.js";
import { API_PROBLEMS, DIRECTOR_PROBLEMS } from "#api/problems.js";
import { apiSocketPath } from "#api/socket-path.js";
import { parseTokens } from "#api/tokens.js";
import { DEFAULT_API } from "#model/config/api.js";
import { parseConfig } from "#model/config.js";
import { MemoryApi } from "./memory-api.js";

// Compiled, this file is dist/out/test/api/document.test.js.
const root = fileURLToPath(new URL("../../../../", import.meta.url));
const text = readFileSync(`${root}docs/api.md`, "utf8");
const blocks = (language: string): readonly string[] => [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, block]) => block!);
const needsCurl = spawnSync("curl", ["--version"]).status === 0 ? {} : { skip: "there is no curl" };

const state = mkdtempSync(join(tmpdir(), "weir-api-document-"));
const api = new MemoryApi();
let server: ApiServer;
before(async () => {
  process.env["WEIR_STATE"] = state;
  writeFileSync(join(state, "weir.yaml"), "services: []\n");
  server = await listen(DEFAULT_API, { operations: api.operations });
});
after(async () => {
  await server.close();
  rmSync(state, { recursive: true, force: true });
});

async function run(program: string, args: readonly string[], options: { readonly cwd?: string } = {}): Promise<{ readonly status: number; readonly output: string }> {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (part: string) => { output += part; });
  const [status] = await once(child, "close") as [number];
  return { status, output };
}

test("every command of it does what it should", needsCurl, async () => {
  const [assignment, ...commands] = blocks("sh").flatMap((block) => block.trim().split("\n"));
  assert.equal((await run("sh", ["-c", `${assignment!.replaceAll("/run/weir", state)}; printf %s "$SOCKET"`])).output, apiSocketPath());
  assert.ok(commands.length > 8);
  for (const command of commands) {
    const { output } = await run("sh", ["-c", `SOCKET=${apiSocketPath()}; ${command} --write-out '\\n%{http_code}'`], { cwd: state });
    assert.match(output.split("\n").at(-1)!, /^20[0-4]$/, `${command}\n${output}`);
  }
  assert.deepEqual(api.director.services(), [], "the last of them deletes what the second made");
});

test("the program of it runs", async () => {
  const [program] = blocks("ts");
  const file = `${program!.replace(`from "weir"`, `from ${JSON.stringify(join(root, "dist/api/client.js"))}`)}`
    // From here on it would wait for what happens.
    .replace("for await (const event of weir.events()) console.log(event.kind);", "console.log((await weir.services.get(service.id)).scheduler); await weir.close();");
  const { status, output } = await run(process.execPath, ["--input-type=module", "-e", file]);
  assert.deepEqual([status, output], [0, "mh\n"]);
});

test("its configuration and its tokens are right", () => {
  const { api: { socket, tls } } = parseConfig(`services: []\n${blocks("yaml")[0]}`, { file: "weir.yaml" });
  assert.deepEqual([socket.group, tls?.port], ["lvs", 8443]);
  assert.deepEqual(parseTokens(blocks("text")[0]!, "tokens").map(({ name, role }) => `${name} ${role}`), ["monitoring read", "deployment write"]);
});

test("it has every code, with its status, and every resource", () => {
  const rows = [...text.matchAll(/^\| ([\d, ]+) \| (.*) \|$/gm)].flatMap(([, statuses, codes]) => [...codes!.matchAll(/`([A-Z][A-Z\d_]+)`/g)].map(([, code]) => [code!, statuses!.split(", ").map(Number)] as const));
  const problems = Object.entries({ ...API_PROBLEMS, ...DIRECTOR_PROBLEMS });
  assert.deepEqual(rows.map(([code]) => code).sort(), problems.map(([code]) => code).sort());
  const statuses = new Map(rows);
  for (const [code, [status]] of problems) assert.ok(statuses.get(code)!.includes(status), `${code} is ${status}`);
  const nouns = new Set(api.api.routes.map(({ path }) => path.split("/").slice(0, 3).join("/")));
  assert.deepEqual([...nouns].filter((noun) => !text.includes(`\`${noun}`)), []);
});
