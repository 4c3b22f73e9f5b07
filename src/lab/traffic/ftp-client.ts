// The client's FTP: fetches bodies, each by a data connection of its own.

import { createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { bodyDigest } from "./body.js";
import { endOfFields, endOfNumbers, fields, numbers, type DataEnd } from "./ftp-server.js";

export type FtpMode = "PASV" | "EPSV" | "PORT" | "EPRT";

export interface FtpRequest {
  readonly address: string;
  readonly port: number;
  /** How data connections are asked for, one after the other. */
  readonly modes: readonly FtpMode[];
  /** Of each body. */
  readonly bytes: number;
}

export interface FtpResult {
  /** Who greeted. */
  readonly server: string;
  readonly transfers: readonly FtpTransfer[];
}

export interface FtpTransfer {
  readonly mode: FtpMode;
  /** The data connection's other end, as the client sees it. */
  readonly from: string;
  readonly intact: boolean;
}

/** Without progress for so long, it fails. */
const TIMEOUT_MILLISECONDS = 5000;

export async function ftp({ address, port, modes, bytes }: FtpRequest): Promise<FtpResult> {
  const control = impatient(connect({ host: address, port }));
  const lines = createInterface({ input: control })[Symbol.asyncIterator]();
  try {
    const read = async (code: string): Promise<string> => {
      const line = (await lines.next()).value as string | undefined;
      if (line?.startsWith(`${code} `) !== true) throw new Error(`${code} was expected of the FTP server, it said ${line ?? "nothing more"}`);
      return line.slice(code.length + 1);
    };
    const ask = (command: string, code: string): Promise<string> => {
      control.write(`${command}\r\n`);
      return read(code);
    };
    const server = await read("220");
    const transfers: FtpTransfer[] = [];
    for (const mode of modes) {
      const data = await open(mode, control, ask);
      await ask(`RETR ${bytes}`, "150");
      transfers.push({ mode, ...await receive(await data(), bytes) });
      await read("226");
    }
    await ask("QUIT", "221");
    return { server, transfers };
  } finally {
    control.destroy();
  }
}

/** What gives the data connection. By PASV and EPSV it stands when this returns: its server waits for it. */
async function open(mode: FtpMode, control: Socket, ask: (command: string, code: string) => Promise<string>): Promise<() => Promise<Socket>> {
  if (mode === "PASV") return call(endOfNumbers(await ask("PASV", "227")));
  if (mode === "EPSV") return call({ host: control.remoteAddress!, port: endOfFields(await ask("EPSV", "229")).port });
  const server = createServer();
  server.listen(0, control.localAddress);
  await once(server, "listening");
  const called = once(server, "connection").finally(() => server.close());
  const { port } = server.address() as { readonly port: number };
  const write = mode === "PORT" ? numbers : fields;
  await ask(`${mode} ${write(control.localAddress!, port)}`, "200");
  return async () => impatient((await called)[0] as Socket);
}

async function call(end: DataEnd): Promise<() => Promise<Socket>> {
  const socket = impatient(connect(end));
  await once(socket, "connect");
  return async () => socket;
}

async function receive(data: Socket, bytes: number): Promise<Omit<FtpTransfer, "mode">> {
  const from = `${data.remoteAddress}:${data.remotePort}`;
  const hash = createHash("sha256");
  for await (const chunk of data as AsyncIterable<Buffer>) hash.update(chunk);
  return { from, intact: hash.digest("hex") === bodyDigest(bytes) };
}

function impatient(socket: Socket): Socket {
  socket.setTimeout(TIMEOUT_MILLISECONDS, () => socket.destroy(new Error(`nothing came from ${socket.remoteAddress ?? "the other end"} for ${TIMEOUT_MILLISECONDS} ms`)));
  return socket;
}
