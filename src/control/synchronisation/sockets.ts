// The sync daemons' multicast sockets. Linux v6.12 net/netfilter/ipvs/ip_vs_sync.c, make_send_sock(), make_receive_sock().

import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { addressFamily } from "#model/address.js";
import type { SyncDaemon } from "#model/director.js";
import type { Sysctls } from "#model/sysctls.js";

type Place = Pick<SyncDaemon, "interface" | "group" | "port" | "ttl"> & { readonly ports: number };

/** The kernel holds less where net.core.rmem_max says so. */
const RECEIVE_BYTES = 4 * 1024 * 1024;
/** Messages that go at once, and after what time the next: about 60,000 connections a second, which a socket of common size holds while its owner waits for a processor. */
const BURST_MESSAGES = 16;
const BURST_MILLISECONDS = 10;

export interface Sender {
  /** To the port of that thread; lost if `queueMax` messages wait before it. */
  send(message: Uint8Array, thread: number, queueMax: number): void;
}

export async function openSender(place: Place, { sync_sock_size: bytes }: Sysctls): Promise<Sender> {
  const socket = createSocket(addressFamily(place.group) === 6 ? "udp6" : "udp4");
  await bind(socket, 0, addressFamily(place.group) === 6 ? "::" : addressOf(place.interface));
  socket.setMulticastInterface(byInterface(place));
  socket.setMulticastTTL(place.ttl);
  socket.setMulticastLoopback(false);
  if (bytes > 0) socket.setSendBufferSize(bytes);
  return new Queue(socket, place);
}

class Queue implements Sender {
  readonly #waiting: { readonly message: Uint8Array; readonly port: number }[] = [];
  #isPaused = false;

  constructor(readonly socket: Socket, readonly place: Place) {
    // One that cannot be sent is lost, as ip_vs_send_sync_msg() has it.
    socket.on("error", () => undefined);
  }

  send(message: Uint8Array, thread: number, queueMax: number): void {
    if (this.#waiting.length >= queueMax) return;
    this.#waiting.push({ message, port: this.place.port + thread });
    if (!this.#isPaused) this.#sendSome();
  }

  #sendSome(): void {
    for (const { message, port } of this.#waiting.splice(0, BURST_MESSAGES)) this.socket.send(message, port, destinationOf(this.place), () => undefined);
    this.#isPaused = true;
    setTimeout(() => {
      this.#isPaused = false;
      if (this.#waiting.length > 0) this.#sendSome();
    }, BURST_MILLISECONDS);
  }
}

export async function openReceiver(place: Place, bytes: number, receive: (message: Uint8Array) => void): Promise<void> {
  for (let thread = 0; thread < place.ports; thread++) {
    const socket = createSocket({ type: addressFamily(place.group) === 6 ? "udp6" : "udp4", reuseAddr: true });
    await bind(socket, place.port + thread, destinationOf(place));
    socket.addMembership(place.group, byInterface(place));
    socket.setRecvBufferSize(bytes > 0 ? bytes : RECEIVE_BYTES);
    socket.on("message", receive);
    socket.on("error", () => undefined);
  }
}

function bind(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, () => {
      socket.off("error", reject);
      resolve();
    });
  });
}

const destinationOf = ({ group, interface: name }: Place): string => (addressFamily(group) === 6 ? `${group}%${name}` : group);

const byInterface = ({ group, interface: name }: Place): string => (addressFamily(group) === 6 ? `::%${name}` : addressOf(name));

function addressOf(name: string): string {
  const found = networkInterfaces()[name]?.find(({ family }) => family === "IPv4");
  if (found === undefined) throw new Error(`the interface "${name}" has no IPv4 address, by which messages to an IPv4 group come and go; give it one, or use an IPv6 group`);
  return found.address;
}
