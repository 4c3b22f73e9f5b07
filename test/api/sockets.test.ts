// The API by its sockets, as the typed client asks it: a unix socket with its permissions, TLS with tokens.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Event } from "#api/client.js";
import { connect, WeirApiError, WeirConnectionError } from "#api/client.js";
import { listen } from "#api/listen.js";
import { apiSocketPath } from "#api/socket-path.js";
import { parseTokens } from "#api/tokens.js";
import { ControlError } from "#control/errors.js";
import type { Connection } from "#model/director.js";
import { DEFAULT_API } from "#model/config/api.js";
import { MemoryApi } from "./memory-api.js";

// Compiled, this file is dist/out/test/api/sockets.test.js.
const root = fileURLToPath(new URL("../../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weir-api-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let number = 0;
const socketPath = (): string => join(folder, `${number++}.sock`);
const socket = (path: string, settings: object = {}) => ({ ...DEFAULT_API, socket: { ...DEFAULT_API.socket, path, ...settings } });

async function served<T>(api: MemoryApi, use: (client: ReturnType<typeof connect>, path: string) => Promise<T>): Promise<T> {
  const path = socketPath();
  const server = await listen(socket(path), { operations: api.operations, onFailure: (error) => void api.failures.push(error), heartbeatMilliseconds: 20 });
  const client = connect({ socket: path });
  try {
    return await use(client, path);
  } finally {
    await client.close();
    await server.close();
  }
}

test("the client says all that the API takes", async () => {
  const connections = Array.from({ length: 2500 }, (_, i): Connection => ({
    protocol: "tcp", state: "ESTABLISHED", expiresSeconds: 9, forward: "masq", client: { address: "10.0.0.2", port: i + 1 }, virtual: { address: "10.0.0.100", port: 80 }, destination: { address: "10.1.0.1", port: 80 },
  }));
  await served(new MemoryApi({ connections }), async (weir) => {
    assert.equal((await weir.about()).version, "1.2.3");
    assert.equal((await weir.services.add({ protocol: "tcp", address: "fd00::100", port: 80 })).id, "tcp/[fd00::100]:80");
    const service = (await weir.services.add({ fwmark: 7, scheduler: "rr" })).id;
    assert.equal((await weir.services.edit(service, { persistent: 30 })).persistent, 30);
    assert.equal((await weir.destinations.add("tcp/[fd00::100]:80", { address: "[fd00::11]:8080", method: "nat" })).id, "[fd00::11]:8080");
    assert.equal((await weir.destinations.edit("tcp/[fd00::100]:80", "[fd00::11]:8080", { weight: 5 })).weight, 5);
    assert.equal((await weir.destinations.get("tcp/[fd00::100]:80", "[fd00::11]:8080")).weight, 5);
    assert.equal((await weir.destinations.list("tcp/[fd00::100]:80")).length, 1);
    await weir.services.zero(service);
    await weir.zero();
    assert.deepEqual((await weir.services.list()).map(({ id }) => id).sort(), ["fwmark/7", "tcp/[fd00::100]:80"]);
    const running = await weir.configuration();
    assert.deepEqual((await weir.plan(running)).changes.filter((line) => !line.startsWith("interface")), []);
    await weir.destinations.delete("tcp/[fd00::100]:80", "[fd00::11]:8080");
    await weir.services.delete(service);
    await weir.services.clear();
    assert.ok((await weir.apply("services: [{ fwmark: 3 }]", { file: "one.yaml" })).changes.includes("service fwmark 3: added, scheduler wlc"));
    assert.equal((await weir.timeouts.set({ udp: 9 })).udp, (await weir.timeouts.get()).udp);
    assert.equal((await weir.sysctls.set({ sloppy_tcp: 1 })).sloppy_tcp, (await weir.sysctls.get()).sloppy_tcp);
    assert.deepEqual(await weir.marks.set([{ mark: 3, family: 4, to: "10.0.0.1/32" }]), await weir.marks.list());
    assert.equal((await weir.syncDaemons.start({ role: "backup", interface: "eth0", syncId: 1 })).role, "backup");
    assert.equal((await weir.syncDaemons.list()).length, 1);
    await weir.syncDaemons.stop("backup");
    assert.equal((await weir.status()).stateDirectory, "in memory");
    assert.deepEqual([await weir.verdicts(), (await weir.health()).servers, (await weir.totals()).counters.bytesIn], [{}, [], "0"]);
    assert.match(await weir.proc("ip_vs"), /^IP Virtual Server version/);
    assert.equal((await weir.openapi())["openapi"], "3.1.0");
    assert.deepEqual([(await weir.connections.page({ limit: 10 })).next, (await weir.connections.page({ client: "10.0.0.2:7" })).connections.length], [10, 1]);
    let count = 0;
    for await (const { client } of weir.connections.all()) assert.equal(client.port, ++count);
    assert.equal(count, 2500);
    assert.ok((await weir.down()).changes.length > 0);
  });
});

test("the client throws what the director says, and says when there is none", async () => {
  await served(new MemoryApi(), async (weir) => {
    await assert.rejects(weir.services.get("tcp/10.0.0.1:80"), (error: WeirApiError) => error instanceof WeirApiError && error.status === 404 && error.code === "NO_SUCH_SERVICE"
      && error.message === "Cannot list tcp 10.0.0.1:80: there is no such service");
    await assert.rejects(weir.apply("services: [{ fwmark: 0 }]\nx: 1", { file: "a.yaml" }), (error: WeirApiError) => error.message === "Cannot use a.yaml: 2 mistakes"
      && error.issues.map(({ line, path }) => `${line} ${path}`).join() === "1 services[0].fwmark,2 x");
    const first = await weir.services.add({ fwmark: 1 });
    await weir.services.edit("fwmark/1", { scheduler: "rr" }, { ifUnchanged: first });
    await assert.rejects(weir.services.delete("fwmark/1", { ifUnchanged: first }), { code: "CHANGED" });
    const list = await weir.services.list();
    await weir.services.clear({ ifUnchanged: list });
    await assert.rejects(weir.services.clear({ ifUnchanged: {} }), TypeError);
  });
  await assert.rejects(connect({ socket: join(folder, "nobody.sock") }).about(), WeirConnectionError);
});

test("the socket has its mode from the first moment, replaces one that a killed daemon left, and no other", async () => {
  const api = new MemoryApi();
  const path = socketPath();
  const open = (settings?: object) => listen(socket(path, settings), { operations: api.operations });
  const first = await open({ mode: 0o640, group: `${process.getgid!()}` });
  assert.equal(statSync(path).mode & 0o777, 0o640);
  await assert.rejects(open(), (error) => error instanceof ControlError && /another daemon answers there/.test(error.message));
  await first.close();
  assert.equal(existsSync(path), false);

  // One that nobody listens at any more.
  spawnSync(process.execPath, ["-e", `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`]);
  assert.ok(existsSync(path));
  const second = await open();
  assert.deepEqual([second.addresses, statSync(path).mode & 0o777], [[`unix:${path}`], 0o660]);
  await second.close();

  writeFileSync(path, "a file");
  await assert.rejects(open(), /something else is there/);
  assert.equal(readFileSync(path, "utf8"), "a file");
  await assert.rejects(listen(socket(socketPath(), { group: "no-such-group" }), { operations: api.operations }), /there is no such group/);
});

test("the folder of weir's own lets those through for whom the socket is", async (t) => {
  const [before, state] = [process.env["WEIR_STATE"], join(folder, "state")];
  t.after(() => (before === undefined ? delete process.env["WEIR_STATE"] : (process.env["WEIR_STATE"] = before)));
  process.env["WEIR_STATE"] = state;
  const modeOf = async (mode: number): Promise<number> => {
    const server = await listen({ ...DEFAULT_API, socket: { ...DEFAULT_API.socket, mode } }, { operations: new MemoryApi().operations });
    assert.match(server.addresses[0]!, /^unix:.*\/state\/api-\d+\.sock$/);
    assert.equal((await connect().about()).name, "weir");
    await server.close();
    return statSync(state).mode & 0o777;
  };
  assert.equal(await modeOf(0o600), 0o700);
  assert.equal(await modeOf(0o660), 0o711);
});

const certificate = (name: string): { readonly certificate: string; readonly key: string } => {
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const { status, stderr } = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", `/CN=${name}`,
    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", files.key, "-out", files.certificate], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return files;
};

const sha256 = (token: string): string => createHash("sha256").update(token).digest("hex");

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0 ? {} : { skip: "there is no openssl" };

test("over the network a token decides, and certificate and tokens are read again on demand", hasOpenssl, async () => {
  const [one, two] = [certificate("one"), certificate("two")];
  const tokens = join(folder, "tokens");
  writeFileSync(tokens, `# who may ask\nmonitor:${sha256("look")}\ndeploy:${sha256("change")}:write\n`);
  const port = await freePort();
  const api = new MemoryApi();
  const [certificatePath, keyPath] = [join(folder, "live.pem"), join(folder, "live.key")];
  const use = (files: typeof one): void => [[files.certificate, certificatePath], [files.key, keyPath]].forEach(([from, to]) => writeFileSync(to!, readFileSync(from!)));
  use(one);
  const tls = { address: "127.0.0.1", port, certificate: certificatePath, key: keyPath, tokens };
  const path = socketPath();
  const server = await listen({ ...socket(path), tls }, { operations: api.operations });
  const as = async <T>(token: string, ask: (weir: ReturnType<typeof connect>) => Promise<T>, files = one): Promise<T> => {
    const weir = connect({ url: `https://127.0.0.1:${port}/`, token, ca: readFileSync(files.certificate, "utf8") });
    try { return await ask(weir); } finally { await weir.close(); }
  };
  try {
    assert.equal(server.addresses[1], `https://127.0.0.1:${port}`);
    for (const token of ["", "loo", "look look", sha256("look")]) await assert.rejects(as(token, (weir) => weir.about()), { code: "UNAUTHENTICATED", status: 401 }, token);
    await assert.rejects(as("no", (weir) => weir.services.get("tcp/no")), { code: "UNAUTHENTICATED" }, "before anything is told");
    assert.equal((await as("look", (weir) => weir.services.list())).length, 0);
    assert.ok((await as("look", (weir) => weir.plan("services: []"))).changes.length > 0, "a plan changes nothing");
    const before = api.state();
    const changes: readonly ((weir: ReturnType<typeof connect>) => Promise<unknown>)[] = [
      (weir) => weir.services.add({ fwmark: 1 }), (weir) => weir.services.clear(), (weir) => weir.apply("services: []"), (weir) => weir.zero(), (weir) => weir.down(),
    ];
    for (const change of changes) await assert.rejects(as("look", change), { code: "FORBIDDEN", status: 403, message: /the token of monitor may only read$/ });
    assert.equal(api.state(), before);
    assert.equal((await as("change", (weir) => weir.services.add({ fwmark: 1 }))).id, "fwmark/1");

    await assert.rejects(as("look", (weir) => weir.about(), two), WeirConnectionError, "the certificate is not that one yet");
    use(two);
    writeFileSync(tokens, `monitor:${sha256("see")}\n`);
    await server.move({ ...socket(path), tls });
    await assert.rejects(as("look", (weir) => weir.about(), two), { code: "UNAUTHENTICATED" });
    assert.equal((await as("see", (weir) => weir.about(), two)).name, "weir");
    // What is wrong changes nothing.
    writeFileSync(tokens, "monitor:12\n");
    await assert.rejects(server.move({ ...socket(path), tls }), ControlError);
    assert.equal((await as("see", (weir) => weir.about(), two)).name, "weir");
  } finally {
    await server.close();
  }
  const start = (settings: Partial<typeof tls>) => listen({ ...socket(socketPath()), tls: { ...tls, ...settings } }, { operations: api.operations });
  await assert.rejects(start({ key: join(folder, "no.key") }), /the key .*no\.key cannot be read/);
  writeFileSync(tokens, "");
  await assert.rejects(start({ key: one.key }), /Cannot serve the API with the certificate/);
  await assert.rejects(start({ address: "192.0.2.1" }), /Cannot serve the API at 192\.0\.2\.1/);
});

test("its sockets move: what is new is there before what is old goes, and a failure keeps the old", hasOpenssl, async (t) => {
  const [before, state] = [process.env["WEIR_STATE"], mkdtempSync(join(folder, "state-"))];
  t.after(() => (before === undefined ? delete process.env["WEIR_STATE"] : (process.env["WEIR_STATE"] = before)));
  process.env["WEIR_STATE"] = state;
  const byDefault = apiSocketPath();
  const tokens = join(folder, "moving-tokens");
  writeFileSync(tokens, `monitor:${sha256("look")}\n`);
  const files = certificate("moving");
  const [one, two] = [await freePort(), await freePort()];
  const tlsAt = (port: number) => ({ address: "127.0.0.1", port, ...files, tokens });
  const [first, second] = [socketPath(), socketPath()];
  const answers = async (where: Parameters<typeof connect>[0]): Promise<boolean> => {
    const weir = connect(where);
    try { return (await weir.about()).name === "weir"; } catch (error) { return error instanceof WeirConnectionError ? false : assert.fail(error as Error); } finally { await weir.close(); }
  };
  const atPort = (port: number) => ({ url: `https://127.0.0.1:${port}/`, token: "look", ca: readFileSync(files.certificate, "utf8") });
  const all = async (): Promise<string> => {
    const found = { default: await answers({ socket: byDefault }), first: await answers({ socket: first }), second: await answers({ socket: second }), one: await answers(atPort(one)), two: await answers(atPort(two)) };
    return Object.entries(found).flatMap(([name, is]) => is ? name : []).join(" ");
  };
  const server = await listen(DEFAULT_API, { operations: new MemoryApi().operations });
  try {
    assert.equal(await all(), "default");
    // All the while commands find it where it is by default.
    let isMoving = true;
    let asked = 0;
    const asking = (async () => { while (isMoving) { assert.ok(await answers({ socket: byDefault })); asked++; } })();
    await server.move({ ...socket(first), tls: tlsAt(one) });
    assert.deepEqual([await all(), server.addresses], ["default first one", [`unix:${first}`, `https://127.0.0.1:${one}`]]);
    await server.move({ ...socket(second), tls: tlsAt(two) });
    assert.deepEqual([await all(), readlinkSync(byDefault)], ["default second two", second]);
    await server.move({ ...socket(second, { mode: 0o600 }), tls: tlsAt(two) });
    assert.equal(statSync(second).mode & 0o777, 0o600, "at the same place with other permissions");

    // Whatever of it is not right.
    const other = createServer().listen(one, "127.0.0.1");
    await once(other, "listening");
    writeFileSync(first, "a file");
    for (const wrong of [{ ...socket(second), tls: tlsAt(one) }, { ...socket(first), tls: undefined }, { ...DEFAULT_API, tls: { ...tlsAt(two), key: tokens } }, socket(second, { group: "no-such-group" })]) {
      await assert.rejects(server.move(wrong), ControlError);
      assert.deepEqual([server.addresses, readlinkSync(byDefault)], [[`unix:${second}`, `https://127.0.0.1:${two}`], second]);
      assert.ok(await answers({ socket: second }) && await answers(atPort(two)));
    }
    await new Promise((resolve) => other.close(resolve));
    await server.move(DEFAULT_API);
    assert.deepEqual([await all(), server.addresses], ["default", [`unix:${byDefault}`]]);
    isMoving = false;
    await asking;
    assert.ok(asked > 0);
  } finally {
    await server.close();
  }
  assert.deepEqual(readdirSync(state), []);
});

test("its port moves to all addresses and back to one, at the same number; where it cannot, it stays", hasOpenssl, async () => {
  const tokens = join(folder, "overlapping-tokens");
  writeFileSync(tokens, `monitor:${sha256("look")}\n`);
  const files = certificate("overlapping");
  const port = await freePort();
  const path = socketPath();
  const at = (address: string) => ({ ...socket(path), tls: { address, port, ...files, tokens } });
  const answers = async (): Promise<boolean> => {
    const weir = connect({ url: `https://127.0.0.1:${port}/`, token: "look", ca: readFileSync(files.certificate, "utf8") });
    try { return (await weir.about()).name === "weir"; } finally { await weir.close(); }
  };
  const server = await listen(at("127.0.0.1"), { operations: new MemoryApi().operations });
  try {
    for (const address of ["0.0.0.0", "127.0.0.1", "0.0.0.0"]) {
      await server.move(at(address));
      assert.deepEqual([server.addresses[1], await answers()], [`https://${address}:${port}`, true]);
    }
    // The new port is there, and the socket's group is not: the old port comes again.
    await assert.rejects(server.move({ ...at("127.0.0.1"), socket: { ...at("").socket, path, group: "no-such-group" } }), ControlError);
    assert.deepEqual([server.addresses[1], await answers()], [`https://0.0.0.0:${port}`, true]);
    // One's own port is in the way, and so is somebody else's.
    await server.move(at("127.0.0.1"));
    const other = createServer().listen(port, "127.0.0.2");
    await once(other, "listening");
    await assert.rejects(server.move(at("0.0.0.0")), /Cannot serve the API at 0\.0\.0\.0:\d+: .*EADDRINUSE/);
    assert.deepEqual([server.addresses[1], await answers()], [`https://127.0.0.1:${port}`, true]);
    await new Promise((resolve) => other.close(resolve));
  } finally {
    await server.close();
  }
});

test("a file of tokens is read as a whole, and every mistake has its line", () => {
  assert.deepEqual(parseTokens(`a:${sha256("x")}\n\n # no\nb:${sha256("y").toUpperCase()}:write\n`, "f").map(({ name, role }) => `${name} ${role}`), ["a read", "b write"]);
  assert.throws(() => parseTokens(`a:${sha256("x")}:admin\n:${sha256("x")}\nc:123\nd:${sha256("x")}:read:more`, "/etc/weir/tokens"), (error: Error) => {
    assert.deepEqual(error.message.split("\n").map((line) => line.split(": ")[0]), ["Cannot use the tokens in /etc/weir/tokens", "/etc/weir/tokens:1", "/etc/weir/tokens:2", "/etc/weir/tokens:3", "/etc/weir/tokens:4"]);
    return true;
  });
});

test("the client's process loads neither the compiler nor the kernel layer", () => {
  const program = `(await import("weir")).libc?.(); const { createRequire } = await import("node:module");
    const { readFileSync } = await import("node:fs");
    const natives = readFileSync("/proc/self/maps", "utf8").split("\\n").filter((line) => /koffi|oxc/.test(line));
    console.log(JSON.stringify({ natives, koffi: Object.keys(createRequire(import.meta.url).cache).filter((path) => /koffi|oxc/.test(path)) }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8", cwd: root });
  assert.deepEqual(JSON.parse(stdout || JSON.stringify(stderr)), { natives: [], koffi: [] });
  const loaded = spawnSync(process.execPath, ["--input-type=module", "-e", program.replace('"weir"', JSON.stringify(join(root, "dist/kernel/ffi.js")))], { encoding: "utf8", cwd: root });
  assert.ok(loaded.status !== 0 || JSON.parse(loaded.stdout).koffi.length + JSON.parse(loaded.stdout).natives.length > 0, "and this would have been seen");
});

async function collect(events: AsyncIterable<Event>, count: number): Promise<Event[]> {
  const found: Event[] = [];
  for await (const event of events) if (found.push(event) === count) break;
  return found;
}

test("events come as they happen, with those that were missed first", async () => {
  const api = new MemoryApi();
  await served(api, async (weir, path) => {
    const firstTwo = collect(weir.events(), 2);
    while (api.hub.listeners === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await weir.services.add({ fwmark: 1 });
    const service = { kind: "fwmark", fwmark: 1, family: 4 } as const;
    api.hub.publish({ kind: "server", service, server: { address: "10.1.0.1", port: 80 }, healthy: false, reason: "connection refused" });
    const [configuration, server] = await firstTwo;
    assert.deepEqual(configuration, { id: `${api.hub.run}-1`, at: configuration!.at, kind: "configuration", by: "api", changes: ["service fwmark 1: added, scheduler wlc"] });
    assert.deepEqual(server, { id: `${api.hub.run}-2`, at: server!.at, kind: "server", service: "fwmark/1", server: "10.1.0.1:80", healthy: false, reason: "connection refused" });
    while (api.hub.listeners > 0) await new Promise((resolve) => setTimeout(resolve, 5));

    api.hub.publish({ kind: "quorum", service, held: false });
    api.hub.publish({ kind: "weight", service, server: { address: "10.1.0.1", port: 80 }, before: 1, weight: 2, reason: "status 4" });
    const kinds = async (id: string, count: number) => (await collect(weir.events({ after: id }), count)).map((event) => `${event.kind} ${event.id.split("-")[1]}`);
    assert.deepEqual(await kinds(`${api.hub.run}-2`, 2), ["quorum 3", "weight 4"]);
    for (const id of ["00000000-2", `${api.hub.run}-99`, "nonsense"]) assert.deepEqual(await kinds(id, 2), ["missed 0", "configuration 1"], id);

    // Where nothing happens, a comment now and then keeps the connection.
    const text = await new Promise<string>((resolve) => get({ socketPath: path, path: "/v1/events" }, (response) => {
      let received = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        received += piece;
        if (!received.includes("still here")) return;
        response.destroy();
        resolve(received);
      });
    }));
    assert.equal(text, ": weir\nretry: 1000\n\n: still here\n\n");
  });
});

test("who listens and takes nothing is sent away, and asking for the head alone is not listening", async () => {
  const api = new MemoryApi();
  assert.equal((await api.ask("HEAD", "/v1/events")).status, 200);
  assert.equal(api.hub.listeners, 0);
  const response = await api.api.fetch(new Request("http://x/v1/events"));
  const reader = response.body!.getReader();
  await reader.read();
  assert.equal(api.hub.listeners, 1);
  let published = 0;
  while (api.hub.listeners === 1) {
    assert.ok(published++ < 10_000);
    api.hub.publish({ kind: "configuration", by: "file", changes: ["x"] });
  }
  assert.ok(published > 1024, `${published} wait for it`);
  let received = 0;
  while (!(await reader.read()).done) received++;
  assert.equal(received, published - 1, "what was before that it still gets");
});

test("a client that lost its daemon goes on where it was", async () => {
  const [path, api] = [socketPath(), new MemoryApi()];
  const start = () => listen(socket(path), { operations: api.operations });
  const publish = (line: string) => api.hub.publish({ kind: "configuration", by: "file", changes: [line] });
  const first = await start();
  const weir = connect({ socket: path });
  const end = new AbortController();
  const heard: string[] = [];
  const listening = (async () => { for await (const event of weir.events({ signal: end.signal })) heard.push(event.kind === "configuration" ? event.changes[0]! : event.kind); })();
  const until = async (isSo: () => boolean) => { while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5)); };
  await until(() => api.hub.listeners > 0);
  publish("one");
  await until(() => heard.length === 1);
  await first.close();
  publish("two");
  const second = await start();
  await until(() => heard.length === 2);
  publish("three");
  await until(() => heard.length === 3);
  end.abort();
  await listening;
  assert.deepEqual(heard, ["one", "two", "three"]);
  await weir.close();
  await second.close();
});

test("what others change is told while somebody listens, and what the API changes only once", async () => {
  const api = new MemoryApi({ operations: { watchMilliseconds: 10 } });
  const heard: string[] = [];
  const end = api.operations.events.subscribe(({ event }) => void (event.kind === "configuration" && heard.push(`${event.by}: ${event.changes.join(", ")}`)));
  const until = async (count: number) => { while (heard.length < count) await new Promise((resolve) => setTimeout(resolve, 5)); };
  const service = { id: { kind: "fwmark", fwmark: 5, family: 4 }, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0, netmask: "255.255.255.255", persistenceEngine: "", onePacket: false } as const;
  api.director.addService(service);
  await until(1);
  await api.ask("PATCH", "/v1/services/fwmark/5", { scheduler: "lc" });
  await until(2);
  // Just before another's: each is told as its own.
  api.director.setTimeouts({ tcp: 0, tcpFin: 0, udp: 77 });
  await api.ask("DELETE", "/v1/services/fwmark/5");
  await until(4);
  // What somebody tells of himself.
  api.operations.aside(() => api.director.addService({ ...service, id: { ...service.id, fwmark: 6 } }));
  await api.operations.aside(async () => api.director.deleteService({ ...service.id, fwmark: 6 }));
  await new Promise((resolve) => setTimeout(resolve, 40));
  end();
  assert.deepEqual(heard, [
    "other: service fwmark 5: added, scheduler rr", "api: service fwmark 5: scheduler rr → lc",
    "other: timeouts: tcp 900 s, tcp after FIN 120 s, udp 77 s", "api: service fwmark 5: removed",
  ]);
  api.director.addService(service);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(heard.length, 4, "nobody listens any more");
});
