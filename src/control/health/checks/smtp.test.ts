import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { SHORT, closedTcpPort, tcpServer, verdictOn } from "./_probing.js";

const SMTP = { type: "smtp", helo: "director.example" } as const;

/** Greets, and answers each line with the next reply. */
function mailServer(context: TestContext, greeting: string, replies: readonly string[], said: string[] = []): Promise<number> {
  return tcpServer(context, (socket) => {
    const left = [...replies];
    socket.write(greeting);
    socket.on("data", (line) => { said.push(String(line)); socket.write(left.shift() ?? ""); });
  });
}

test("a server that greets and answers HELO and QUIT is healthy", async (t) => {
  const said: string[] = [];
  const port = await mailServer(t, "220-first\r\n220 mail.example ESMTP\r\n", ["250-hello\r\n250 OK\r\n", "221 bye\r\n"], said);
  assert.deepEqual(await verdictOn(SMTP, port), { healthy: true, detail: `127.0.0.1:${port} answered HELO and QUIT` });
  assert.deepEqual(said, ["HELO director.example\r\n", "QUIT\r\n"]);
});

test("a wrong answer is not healthy", async (t) => {
  assert.match((await verdictOn(SMTP, await mailServer(t, "554 no service\r\n", []))).detail, /did not greet with 220: "554 no service"$/);
  assert.match((await verdictOn(SMTP, await mailServer(t, "220 mail\r\n", ["502 what?\r\n"]))).detail, /did not answer HELO with 250: "502 what\?"$/);
});

test("who refuses, is silent or hangs up is not healthy", async (t) => {
  assert.match((await verdictOn(SMTP, await closedTcpPort())).detail, /: connection refused$/);
  assert.match((await verdictOn(SMTP, await mailServer(t, "220 mail\r\n", []), { milliseconds: SHORT })).detail, /^cannot have .* answer HELO: no answer in time$/);
  assert.match((await verdictOn(SMTP, await tcpServer(t, (socket) => void socket.end("220-more")))).detail, /^cannot have .* greet: the server closed the connection$/);
});
