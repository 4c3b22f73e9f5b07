// Sockets that Node does not have: packet sockets with a ring (packet(7)) and raw ICMP (raw(7)). They belong to the
// network namespace of the process that opens them.

import { closeSync } from "node:fs";
import { errnoName } from "#kernel/errno.js";
import { errno, koffi, libc } from "#kernel/ffi.js";
import { MappedMemory } from "#kernel/memory.js";
import { decode, encode } from "#layout/codec.js";
import { Be16, be16, i32, u16, u32, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { LabError } from "./errors.js";

/** Linux include/linux/socket.h, include/uapi/linux/if_packet.h, if_ether.h, in.h. */
const AF_INET = 2;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const IPPROTO_ICMP = 1;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const TPACKET_V2 = 1;
const ETH_P_ALL = 3;

const Int = struct("int", { value: i32 });
const Timeval = struct("timeval", { seconds: u32, secondsHigh: u32, microseconds: u32, microsecondsHigh: u32 });
const SockaddrIn = struct("sockaddr_in", { family: u16, port: Be16, address: array(u8, 4), zero: array(u8, 8) }, { size: 16 });
const SockaddrLl = struct("sockaddr_ll", { family: u16, protocol: Be16, ifindex: i32, hatype: u16, pkttype: u8, halen: u8, addr: array(u8, 8) }, { size: 20 });
const TpacketReq = struct("tpacket_req", { blockSize: u32, blockNr: u32, frameSize: u32, frameNr: u32 });
const TpacketStats = struct("tpacket_stats", { packets: u32, drops: u32 });
const Tpacket2Hdr = struct("tpacket2_hdr", {
  status: u32, len: u32, snaplen: u32, mac: u16, net: u16, sec: u32, nsec: u32, vlanTci: u16, vlanTpid: u16, padding: array(u8, 4),
}, { size: 32 });

/** A packet in the ring, as tpacket2_hdr and the sockaddr_ll after it describe it. */
export interface RingPacket {
  readonly timeNanoseconds: bigint;
  readonly ifindex: number;
  /** PACKET_HOST 0, … PACKET_OUTGOING 4. */
  readonly packetType: number;
  readonly status: number;
  readonly length: number;
  /** A copy; shorter than `length` when the slot is. */
  readonly bytes: Uint8Array;
}

interface SocketCalls {
  bind(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  sendto(fd: number, bytes: Uint8Array, length: number, flags: number, address: Uint8Array, addressLength: number): number;
  recv: { async(fd: number, bytes: Uint8Array, length: number, flags: number, done: (error: unknown, received: number) => void): void };
}
let calls: SocketCalls | undefined;

function socketCalls(): SocketCalls {
  if (calls !== undefined) return calls;
  const library = koffi().load(null);
  calls = {
    bind: library.func("int bind(int fd, void *address, uint length)"),
    setsockopt: library.func("int setsockopt(int fd, int level, int option, void *value, uint length)"),
    sendto: library.func("long sendto(int fd, void *bytes, size_t length, int flags, void *address, uint addressLength)"),
    recv: library.func("long recv(int fd, void *bytes, size_t length, int flags)"),
  } as SocketCalls;
  return calls;
}

/** Blocks of the ring; slots do not cross them. */
const BLOCK_BYTES = 1 << 20;

/** All that passes the interfaces of this namespace, or one of them, kept in memory until it is read. */
export class PacketRing {
  readonly #fd: number;
  readonly #memory: MappedMemory;
  readonly #slotBytes: number;
  readonly #slots: number;

  /** `ifindex` 0: all interfaces. `slotBytes`: a power of two, at most 1 MiB. */
  constructor(options: { readonly ifindex: number; readonly slotBytes: number; readonly slots: number }) {
    this.#slotBytes = options.slotBytes;
    const blocks = Math.ceil((options.slots * options.slotBytes) / BLOCK_BYTES);
    this.#slots = (blocks * BLOCK_BYTES) / options.slotBytes;
    // With protocol 0 nothing arrives before bind() asks for it, when the ring is there.
    this.#fd = check(libc().socket(AF_PACKET, SOCK_RAW, 0), "open a packet socket");
    setOption(this.#fd, SOL_PACKET, PACKET_VERSION, encode(Int, { value: TPACKET_V2 }), "choose TPACKET_V2");
    const request = encode(TpacketReq, { blockSize: BLOCK_BYTES, blockNr: blocks, frameSize: this.#slotBytes, frameNr: this.#slots });
    setOption(this.#fd, SOL_PACKET, PACKET_RX_RING, request, `make a ring of ${this.#slots} packets`);
    this.#memory = MappedMemory.map(this.#fd, blocks * BLOCK_BYTES, { writable: true, attempted: "map the packet ring" });
    const address = encode(SockaddrLl, { family: AF_PACKET, protocol: be16(ETH_P_ALL), ifindex: options.ifindex });
    check(socketCalls().bind(this.#fd, address, address.length), `capture at interface index ${options.ifindex}`);
  }

  /** What came since the ring was opened, oldest first, and how many found no slot. Closes the ring. */
  finish(): { readonly packets: readonly RingPacket[]; readonly lost: number } {
    const packets: RingPacket[] = [];
    for (let slot = 0; slot < this.#slots; slot++) {
      const packet = this.#read(slot * this.#slotBytes);
      if (packet === undefined) break;
      packets.push(packet);
    }
    const statistics = new Uint8Array(TpacketStats.size);
    const length = encode(Int, { value: statistics.length });
    check(libc().getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, statistics, length), "read the capture's statistics");
    this.#memory.close();
    closeSync(this.#fd);
    return { packets, lost: decode(TpacketStats, statistics).drops };
  }

  #read(at: number): RingPacket | undefined {
    const { bytes } = this.#memory;
    const header = decode(Tpacket2Hdr, bytes, at);
    if (header.status === 0) return undefined;
    const address = decode(SockaddrLl, bytes, at + Tpacket2Hdr.size);
    return {
      timeNanoseconds: BigInt(header.sec) * 1_000_000_000n + BigInt(header.nsec),
      ifindex: address.ifindex,
      packetType: address.pkttype,
      status: header.status,
      length: header.len,
      bytes: bytes.slice(at + header.mac, at + header.mac + header.snaplen),
    };
  }
}

/** A raw ICMP socket: sends ICMP messages, receives IP packets. */
export class IcmpSocket {
  readonly #fd: number;

  constructor(options: { readonly receiveMilliseconds: number }) {
    this.#fd = check(libc().socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "open a raw ICMP socket");
    const timeout = { seconds: Math.floor(options.receiveMilliseconds / 1000), microseconds: (options.receiveMilliseconds % 1000) * 1000 };
    setOption(this.#fd, SOL_SOCKET, SO_RCVTIMEO, encode(Timeval, timeout), "set a receive timeout");
  }

  send(address: string, message: Uint8Array): void {
    const to = encode(SockaddrIn, { family: AF_INET, address: address.split(".").map(Number) });
    check(socketCalls().sendto(this.#fd, message, message.length, 0, to, to.length), `send ICMP to ${address}`);
  }

  /** The next packet, IP header included; undefined when none came in time. */
  async receive(): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(65536);
    const received = await new Promise<number>((resolve, reject) => {
      socketCalls().recv.async(this.#fd, bytes, bytes.length, 0, (error, length) => (error ? reject(error) : resolve(length)));
    });
    return received < 0 ? undefined : bytes.subarray(0, received);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function setOption(fd: number, level: number, option: number, value: Uint8Array, attempted: string): void {
  check(socketCalls().setsockopt(fd, level, option, value, value.length), attempted);
}

function check(result: number, attempted: string): number {
  if (result >= 0) return result;
  throw new LabError("SOCKET_FAILED", `Cannot ${attempted}: ${errnoName(errno())}`);
}
