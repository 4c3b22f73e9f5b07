// What a worker can be asked: the functions of this folder, and open things (servers, sessions, transfers, captures)
// by number, because they cannot cross from process to process.

import { once } from "node:events";
import { Capture, type CaptureOptions, type CaptureResult } from "../capture.js";
import { ftp } from "./ftp-client.js";
import { serveFtp, type FtpServerOptions } from "./ftp-server.js";
import { Session, distribution, download, get, post, type HttpReply, type Target } from "./http-client.js";
import { serveHttp, type HttpServerOptions } from "./http-server.js";
import { load } from "./load.js";
import { ping } from "./ping.js";
import { Transfer, type TransferOptions, type TransferResult } from "./transfer.js";
import { serveUdpEcho, udpEcho, type UdpServerOptions } from "./udp.js";

/** A number for something that stays open in the worker. */
export type Handle = number;

const opened = new Map<Handle, unknown>();
let handles = 0;

export const methods = {
  get, post, download, distribution, ftp, udpEcho, ping, load,

  /** Returns when it listens. */
  async serveHttp(options: HttpServerOptions): Promise<Handle> {
    const server = await serveHttp(options);
    return open({ async close() { server.close(); server.closeAllConnections(); await once(server, "close"); } });
  },
  /** Returns when it listens. */
  async serveFtp(options: FtpServerOptions): Promise<Handle> {
    const server = await serveFtp(options);
    return open({ async close() { server.close(); await once(server, "close"); } });
  },
  /** Returns when it is bound. */
  async serveUdpEcho(options: UdpServerOptions): Promise<Handle> {
    const socket = await serveUdpEcho(options);
    return open({ async close() { socket.close(); await once(socket, "close"); } });
  },

  /** A TCP connection that stays open; it is made by the first request. */
  async openSession(target: Target): Promise<Handle> {
    return open(new Session(target));
  },
  async sessionGet(session: Handle, path?: string): Promise<HttpReply> {
    return find(session, Session).get(path);
  },

  /** A long download, paused before its first byte. */
  async openTransfer(options: TransferOptions): Promise<Handle> {
    return open(await Transfer.open(options));
  },
  async pauseTransfer(transfer: Handle): Promise<number> {
    find(transfer, Transfer).pause();
    return find(transfer, Transfer).received;
  },
  async resumeTransfer(transfer: Handle): Promise<void> {
    find(transfer, Transfer).resume();
  },
  async transferred(transfer: Handle): Promise<number> {
    return find(transfer, Transfer).received;
  },
  async finishTransfer(transfer: Handle, timeoutMilliseconds = 20_000): Promise<TransferResult> {
    const result = await find(transfer, Transfer).finish({ timeoutMilliseconds });
    opened.delete(transfer);
    return result;
  },

  async startCapture(options: CaptureOptions = {}): Promise<Handle> {
    return open(new Capture(options));
  },
  async stopCapture(capture: Handle): Promise<CaptureResult> {
    const result = await find(capture, Capture).stop();
    opened.delete(capture);
    return result;
  },

  /** Closes a server or a session. */
  async close(handle: Handle): Promise<void> {
    await (opened.get(handle) as { close(): void | Promise<void> } | undefined)?.close();
    opened.delete(handle);
  },
};

export type Methods = typeof methods;

function open(thing: unknown): Handle {
  handles += 1;
  opened.set(handles, thing);
  return handles;
}

function find<T>(handle: Handle, type: { readonly prototype: T; readonly name: string }): T {
  const thing = opened.get(handle);
  if (thing instanceof (type as unknown as new () => object)) return thing as T;
  throw new Error(`there is no open ${type.name.toLowerCase()} with number ${handle}`);
}
