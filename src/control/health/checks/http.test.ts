import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { HttpProbe, HttpRequest } from "#model/health.js";
import { LOCAL, SHORT, closedTcpPort, tcpServer, verdictOn } from "./_probing.js";

/** Of nobody: a certificate for weir.test and 127.0.0.1, signed by itself. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgw+7qGxFiwkMfG5w6
HlT25f8P76a4KCVIZS7g6XrXH5KhRANCAARl2/Hc1KzO7Z4salmM7VsLIl3qgkxG
XwOY3qXWlh0vTvah72sIssJ+Jxt19GoyMkROX4zM2QbLE6HJqlc99r+R
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUNzEv9snfeqlV3RXhawn7drsjtjwwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJd2Vpci50ZXN0MCAXDTI2MTEyNjA0Mjg1MloYDzIxMjYxMTAy
MDQyODUyWjAUMRIwEAYDVQQDDAl3ZWlyLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARl2/Hc1KzO7Z4salmM7VsLIl3qgkxGXwOY3qXWlh0vTvah72sIssJ+
Jxt19GoyMkROX4zM2QbLE6HJqlc99r+Ro28wbTAdBgNVHQ4EFgQUH768ucx8RyI6
nyz2sRDQzqKrMzkwHwYDVR0jBBgwFoAUH768ucx8RyI6nyz2sRDQzqKrMzkwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARggl3ZWlyLnRlc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgJHvBfxJehIOQVUituK6LP67aYriS/0UnK4nEGCbsxCMCIQCO
Y9K1AWl3RujNlSX8SfVmAZsRYaOjfY8+rIh/t4MaHw==
-----END CERTIFICATE-----`;

function request(settings: Partial<HttpRequest> = {}): HttpRequest {
  return { path: "/", host: undefined, method: "GET", status: [[200, 299]], digest: undefined, body: undefined, bodyNot: undefined, ...settings };
}

function http(requests: readonly Partial<HttpRequest>[] = [{}], settings: Partial<HttpProbe> = {}): HttpProbe {
  return { type: "http", requests: requests.map(request), version: "1.1", sni: true, verify: false, ...settings };
}

async function webServer(context: TestContext, listener: RequestListener, tls?: (name: string) => void): Promise<number> {
  const server = tls === undefined ? createServer(listener) : createTlsServer({
    key: KEY, cert: CERTIFICATE, SNICallback: (name, callback) => { tls(name); callback(null); },
  }, listener);
  server.listen(0, LOCAL);
  await once(server, "listening");
  context.after(() => { server.closeAllConnections(); server.close(); });
  return (server.address() as AddressInfo).port;
}

test("a server that answers as it should is healthy, whatever the version", async (t) => {
  const seen: string[] = [];
  const port = await webServer(t, (asked: IncomingMessage, answer) => {
    seen.push(`${asked.method} ${asked.url} ${asked.httpVersion} ${asked.headers.host}`);
    answer.end("hello");
  });
  const { healthy, detail } = await verdictOn(http([{ path: "/health?x=1" }]), port);
  assert.deepEqual([healthy, detail], [true, `GET http://127.0.0.1:${port}/health?x=1 answered 200`]);
  assert.equal((await verdictOn(http([{ host: "www.example.org", method: "HEAD" }], { version: "1.0" }), port)).healthy, true);
  assert.deepEqual(seen, [`GET /health?x=1 1.1 127.0.0.1:${port}`, "HEAD / 1.0 www.example.org"]);
});

test("its status, body and digest are judged", async (t) => {
  const port = await webServer(t, ({ url }, answer) => {
    answer.statusCode = url === "/gone" ? 503 : 200;
    answer.end("all is well: 3 of 3");
  });
  const digest = createHash("md5").update("all is well: 3 of 3").digest("hex");
  const cases: readonly (readonly [Partial<HttpRequest>, RegExp | true])[] = [
    [{ digest, body: "well: \\d", bodyNot: "down" }, true],
    [{ path: "/gone" }, /answered 503; wanted 200-299$/],
    [{ path: "/gone", status: [[200, 200], [500, 599]] }, true],
    [{ status: [[204, 204], [300, 399]] }, /answered 200; wanted 204, 300-399$/],
    [{ digest: "0".repeat(32) }, new RegExp(`with a body of digest ${digest}; wanted 0{32}$`)],
    [{ body: "^well" }, /answered 200 without \^well in its body$/],
    [{ bodyNot: "3 of" }, /answered 200 with 3 of in its body$/],
  ];
  for (const [asked, wanted] of cases) {
    const { healthy, detail } = await verdictOn(http([asked]), port);
    if (wanted === true) assert.equal(healthy, true, detail);
    else assert.match(detail, wanted);
    assert.equal(healthy, wanted === true);
  }
});

test("all requests must be answered as they should", async (t) => {
  const seen: (string | undefined)[] = [];
  const port = await webServer(t, ({ url }, answer) => { seen.push(url); answer.statusCode = url === "/b" ? 500 : 200; answer.end(); });
  assert.match((await verdictOn(http([{ path: "/a" }, { path: "/b" }, { path: "/c" }]), port)).detail, /\/b answered 500/);
  assert.deepEqual(seen, ["/a", "/b"]);
});

test("who refuses, is silent, stops in the middle or speaks something else is not healthy", async (t) => {
  assert.match((await verdictOn(http(), await closedTcpPort())).detail, /connect to .*: connection refused$/);
  const silent = await tcpServer(t, () => undefined);
  assert.equal((await verdictOn(http(), silent, { milliseconds: SHORT })).detail, `cannot GET http://127.0.0.1:${silent}/: no answer in time`);
  const halting = await tcpServer(t, (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  assert.match((await verdictOn(http(), halting, { milliseconds: SHORT })).detail, /: no answer in time$/);
  const closing = await tcpServer(t, (socket) => void socket.end());
  assert.match((await verdictOn(http(), closing)).detail, /: the server closed the connection$/);
  const other = await tcpServer(t, (socket) => void socket.end("220 mail ESMTP\r\n"));
  assert.match((await verdictOn(http(), other)).detail, /^cannot GET http.*: .*Parse Error|Expected HTTP/);
});

test("over TLS the name goes into the handshake where it should, and the certificate is verified only where it should be", async (t) => {
  const names: string[] = [];
  const port = await webServer(t, (_asked, answer) => answer.end("secret"), (name) => names.push(name));
  const https = (settings: Partial<HttpProbe>, host?: string) => verdictOn(http([{ host, body: "secret" }], { type: "https", ...settings }), port);
  assert.equal((await https({}, "weir.test:8443")).healthy, true);
  assert.deepEqual(names, ["weir.test"]);
  assert.equal((await https({ sni: false }, "weir.test")).healthy, true);
  assert.equal((await https({ version: "1.0" })).healthy, true);
  assert.deepEqual(names, ["weir.test"]);
  const { healthy, detail } = await https({ verify: true }, "weir.test");
  assert.equal(healthy, false);
  assert.match(detail, /^cannot agree on TLS with .*certificate/);
});

test("a server without TLS fails a check over TLS", async (t) => {
  const port = await webServer(t, (_asked, answer) => answer.end());
  assert.match((await verdictOn(http([{}], { type: "https" }), port)).detail, /^cannot agree on TLS with /);
});
