// Where a check goes, and how its sockets are made.

import { connect as connectTcpSocket, Socket } from "node:net";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { openSocket, type AddressBytes, type SocketSettings } from "#kernel/socket.js";
import { addressFamily, addressWords } from "#model/address.js";
import type { Address, DestinationId, Family } from "#model/director.js";
import type { CheckTarget } from "#model/health.js";
import { formatEndpoint } from "#model/names.js";
import { attempt } from "./attempt.js";

export interface Target extends DestinationId {
  readonly family: Family;
  readonly source: DestinationId | undefined;
  readonly interface: string | undefined;
  readonly mark: number | undefined;
  /** "10.0.0.1:80". */
  readonly name: string;
}

/** Of a check of `destination`. */
export function targetOf({ address, port, sourceAddress, sourcePort, sourceInterface, mark }: CheckTarget, destination: DestinationId): Target {
  const to = { address: address ?? destination.address, port: port ?? destination.port };
  const family = addressFamily(to.address);
  const hasSource = sourceAddress !== undefined || sourcePort !== undefined;
  const source = hasSource ? { address: sourceAddress ?? (family === 4 ? "0.0.0.0" : "::"), port: sourcePort ?? 0 } : undefined;
  return { ...to, family, source, interface: sourceInterface, mark, name: formatEndpoint(to) };
}

/** The caller destroys it. */
export async function connectTcp(target: Target, signal: AbortSignal): Promise<Socket> {
  return attempt<Socket>(`connect to ${target.name}`, signal, ({ done, fail }) => {
    let connected = false;
    const socket = startConnecting(target);
    socket.once("connect", () => { connected = true; done(socket); });
    socket.on("error", (error) => fail(error));
    return () => void (connected || socket.destroy());
  });
}

/** Connected, so that it hears of ICMP errors and of this server alone. The caller closes it. */
export async function connectUdp(target: Target, signal: AbortSignal): Promise<UdpSocket> {
  return attempt<UdpSocket>(`send to ${target.name}`, signal, ({ done, fail }) => {
    let connected = false;
    const socket = createSocket(target.family === 4 ? "udp4" : "udp6");
    socket.on("error", (error) => fail(error));
    const connect = (): void => socket.connect(target.port, target.address, (error?: Error) => {
      if (error !== undefined) return fail(error);
      connected = true;
      done(socket);
    });
    if (needsOwnSocket(target)) socket.bind({ fd: openSocket("udp", target.family, socketSettings(target)) }, connect);
    else socket.bind({ address: target.source?.address, port: target.source?.port }, connect);
    return () => void (connected || socket.close());
  });
}

export function socketSettings({ source, interface: device, mark }: Target): SocketSettings {
  return { source: source && { address: addressBytes(source.address), port: source.port }, interface: device, mark };
}

export function addressBytes(address: Address): AddressBytes {
  const bytes = new Uint8Array(16);
  addressWords(address).forEach((word, i) => new DataView(bytes.buffer).setUint32(4 * i, word));
  return addressFamily(address) === 4 ? bytes.slice(0, 4) : bytes;
}

function startConnecting(target: Target): Socket {
  const { address: host, port, source } = target;
  if (!needsOwnSocket(target)) {
    return connectTcpSocket({ host, port, ...(source === undefined ? {} : { localAddress: source.address, localPort: source.port }) });
  }
  // manualStart: until it is connected, nothing can be read from it.
  const socket = new Socket({ fd: openSocket("tcp", target.family, socketSettings(target)), manualStart: true } as ConstructorParameters<typeof Socket>[0]);
  return socket.connect({ host, port });
}

/** Node knows neither marks nor interfaces. */
const needsOwnSocket = (target: Target): boolean => target.mark !== undefined || target.interface !== undefined;
