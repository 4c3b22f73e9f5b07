// A real server's FTP (RFC 959, RFC 2428), as far as fetching bodies goes. It greets with its name, needs no password, and
// as servers do it names its own address in answer to PASV, and calls from the port before the one that it is called at.
//
//   PASV │ EPSV │ PORT h,h,h,h,p,p │ EPRT |1|address|port|
//   RETR N           N bytes of body.ts

import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { body } from "./body.js";

export interface FtpServerOptions {
  readonly name: string;
  readonly port: number;
}

export async function serveFtp({ name, port }: FtpServerOptions): Promise<Server> {
  const server = createServer((control) => {
    // A client that goes away in the middle is its own business.
    converse(name, control).catch(() => control.destroy());
  });
  server.listen(port, "0.0.0.0");
  await once(server, "listening");
  return server;
}

/** Gives the data connection when it is there. */
type Data = () => Promise<Socket>;

async function converse(name: string, control: Socket): Promise<void> {
  const reply = (line: string) => control.write(`${line}\r\n`);
  let data: Data | undefined;
  reply(`220 ${name}`);
  for await (const line of createInterface({ input: control })) {
    const [command, argument = ""] = line.split(" ");
    switch (command) {
      case "PASV": case "EPSV": {
        const listening = await listen(control.localAddress!);
        data = listening.data;
        reply(command === "PASV" ? `227 Entering Passive Mode (${numbers(control.localAddress!, listening.port)}).` : `229 Entering Extended Passive Mode (|||${listening.port}|)`);
        break;
      }
      case "PORT": case "EPRT": {
        data = call(control, command === "PORT" ? endOfNumbers(argument) : endOfFields(argument));
        reply("200 It will be called.");
        break;
      }
      case "RETR": {
        if (data === undefined) reply("425 Where to?");
        else await send(Number(argument), await data(), reply);
        data = undefined;
        break;
      }
      case "QUIT": reply("221 Goodbye."); control.end(); break;
      default: reply("500 What?");
    }
  }
}

async function listen(address: string): Promise<{ readonly port: number; readonly data: Data }> {
  const server = createServer();
  const called = once(server, "connection").finally(() => server.close());
  server.listen(0, address);
  await once(server, "listening");
  return { port: (server.address() as { readonly port: number }).port, data: async () => (await called)[0] as Socket };
}

function call(control: Socket, end: DataEnd): Data {
  return async () => {
    const socket = connect({ ...end, localAddress: control.localAddress!, localPort: control.localPort! - 1 });
    await once(socket, "connect");
    return socket;
  };
}

async function send(bytes: number, data: Socket, reply: (line: string) => void): Promise<void> {
  reply("150 Here it comes.");
  await pipeline(Readable.from(body(bytes), { objectMode: false }), data);
  reply("226 That was it.");
}

// How FTP writes an address and a port.

export interface DataEnd {
  readonly host: string;
  readonly port: number;
}

/** RFC 959: "10,0,0,2,128,235" */
export function numbers(address: string, port: number): string {
  return [...address.split("."), port >> 8, port & 0xff].join(",");
}

export function endOfNumbers(text: string): DataEnd {
  const [h1, h2, h3, h4, p1, p2] = /(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)/.exec(text)!.slice(1);
  return { host: [h1, h2, h3, h4].join("."), port: Number(p1) * 256 + Number(p2) };
}

/** RFC 2428: "|1|10.0.0.2|33003|" */
export function fields(address: string, port: number): string {
  return `|1|${address}|${port}|`;
}

export function endOfFields(text: string): DataEnd {
  const [, , host, port] = text.split("|");
  return { host: host!, port: Number(port) };
}
