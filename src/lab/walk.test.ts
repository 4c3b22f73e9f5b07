import assert from "node:assert/strict";
import { test } from "node:test";
import { internetChecksum } from "./checksum.js";
import { networkPlan } from "./plan.js";
import type { WireFrame } from "./tap.js";
import { walkOf, type WalkStep } from "./walk.js";
import { walkTable } from "./walk-table.js";

const plain = { bold: (text: string) => text, dim: (text: string) => text, mark: (text: string) => text };
const { hosts } = networkPlan("tun");
const CLIENT = "198.51.100.10";
const VIP = "203.0.113.100";
const CLIENT_PORT = 40000;

interface Segment {
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly data: string;
  readonly ttl: number;
}

test("a request through a tunnel shows both headers, and the response goes past the director", () => {
  const frames = [
    ...wire("client.eth0", "router.eth0", request(64)),
    ...wire("router.eth1", "director.eth0", request(63)),
    ...wire("director.eth0", "remote.eth0", tunnelled("203.0.113.2", "10.0.2.12", request(62))),
    ...wire("remote.eth2", "r2.eth0", tunnelled("203.0.113.2", "10.0.2.12", request(62), 61)),
    ...wire("r2.eth0", "remote.eth2", response(64)),
    ...wire("remote.eth0", "router.eth1", response(63)),
    ...wire("router.eth0", "client.eth0", response(62)),
  ];
  const steps = walkOf(frames, { hosts }, CLIENT_PORT);
  assert.deepEqual(steps.map(({ way, from, to, headers }) => `${way} ${from} > ${to} ${headers.map(({ destination, ttl }) => `${destination}/${ttl}`).join(" ")}`), [
    "request client > router 203.0.113.100/64",
    "request router > director 203.0.113.100/63",
    "request director > remote 10.0.2.12/63 203.0.113.100/62",
    "request remote > r2 10.0.2.12/61 203.0.113.100/62",
    "response r2 > remote 198.51.100.10/64",
    "response remote > router 198.51.100.10/63",
    "response router > client 198.51.100.10/62",
  ]);
  assert.deepEqual(walkTable({ server: "r2", steps }, plain), [
    "          wire               MAC            IP addresses and ports                    TTL  what the sender did",
    "request   client → router    01:10 → 01:01  198.51.100.10:40000 → 203.0.113.100:80     64  asks",
    "          router → director  02:01 → 02:02  198.51.100.10:40000 → 203.0.113.100:80     63  routed",
    "          director → remote  02:02 → 02:03  203.0.113.2 → 10.0.2.12                    63  an IP header around it",
    "                                            └ 198.51.100.10:40000 → 203.0.113.100:80   62  the packet inside",
    "          remote → r2        12:01 → 12:12  203.0.113.2 → 10.0.2.12                    61  routed",
    "                                            └ 198.51.100.10:40000 → 203.0.113.100:80   62  the packet inside",
    "response  r2 → remote        12:12 → 12:01  203.0.113.100:80 → 198.51.100.10:40000     64  answers",
    "          remote → router    02:03 → 02:01  203.0.113.100:80 → 198.51.100.10:40000     63  routed",
    "          router → client    01:01 → 01:10  203.0.113.100:80 → 198.51.100.10:40000     62  routed",
    "MAC addresses without their beginning, 02:00:00:00:",
  ]);
});

test("other connections, and packets without data, are no part of the walk", () => {
  const other: Segment = { ...request(64), from: `${CLIENT}:41000` };
  const frames = [
    ...wire("client.eth0", "router.eth0", other),
    ...wire("client.eth0", "router.eth0", { ...request(64), sequence: 999, data: "" }),
    ...wire("client.eth0", "router.eth0", request(64)),
    ...wire("router.eth0", "client.eth0", response(62)),
  ];
  assert.deepEqual(walkOf(frames, { hosts }, CLIENT_PORT).map(({ from, to }) => `${from} > ${to}`), ["client > router", "router > client"]);
});

test("a request that was never answered is an error that says so", () => {
  assert.throws(() => walkOf(wire("client.eth0", "router.eth0", request(64)), { hosts }, CLIENT_PORT), /No packet with data to the client's port 40000/);
});

test("the notes say what each sender did to the packet before", () => {
  const step = (from: string, destination: string, source = CLIENT): WalkStep => ({
    way: "request", from, to: "next", sourceMac: "02:00:00:00:01:01", destinationMac: "02:00:00:00:01:02",
    headers: [{ source, destination, sourcePort: 1, destinationPort: 80, ttl: 64 }],
  });
  const notes = (steps: readonly WalkStep[]): string[] => walkTable({ server: "r1", steps }, plain).slice(1, -1).map((line) => line.split(/ {2,}/).at(-1) ?? "");
  assert.deepEqual(notes([step("client", VIP), step("router", VIP), step("director", "10.0.0.11")]), ["asks", "routed", "new destination"]);
  assert.deepEqual(notes([step("client", VIP), step("director", VIP)]), ["asks", "new MAC addresses only"]);
  assert.deepEqual(notes([step("client", VIP), step("director", VIP, "10.0.0.1")]), ["asks", "new source"]);
});

function request(ttl: number): Segment {
  return { from: `${CLIENT}:${CLIENT_PORT}`, to: `${VIP}:80`, sequence: 1000, data: "GET / HTTP/1.1\r\n\r\n", ttl };
}
function response(ttl: number): Segment {
  return { from: `${VIP}:80`, to: `${CLIENT}:${CLIENT_PORT}`, sequence: 2000, data: "HTTP/1.1 200 OK\r\n\r\nr2\n", ttl };
}

/** The packet on one cable, as both its ends see it. */
function wire(from: string, to: string, packet: Segment | Buffer): WireFrame[] {
  const bytes = Buffer.concat([macOf(to), macOf(from), Buffer.from([0x08, 0x00]), Buffer.isBuffer(packet) ? packet : ipPacket(packet)]);
  const seen = (place: string, direction: "in" | "out"): WireFrame => {
    const [host = "", name = ""] = place.split(".");
    return { host, interface: name, direction, bytes, length: bytes.length, timeNanoseconds: 0n, checksumPartial: true };
  };
  return [seen(from, "out"), seen(to, "in")];
}

function macOf(place: string): Buffer {
  const [host, name] = place.split(".");
  const mac = hosts.find((candidate) => candidate.name === host)?.interfaces.find((own) => own.name === name)?.mac ?? "";
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}

function ipPacket({ from, to, sequence, data, ttl }: Segment): Buffer {
  const [[source = "", sourcePort], [destination = "", destinationPort]] = [from.split(":"), to.split(":")];
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(Number(sourcePort), 0);
  tcp.writeUInt16BE(Number(destinationPort), 2);
  tcp.writeUInt32BE(sequence, 4);
  tcp.writeUInt8(0x50, 12);
  tcp.writeUInt8(0x18, 13);
  return ipv4(source, destination, 6, ttl, Buffer.concat([tcp, Buffer.from(data)]));
}

const tunnelled = (source: string, destination: string, packet: Segment, ttl = 63): Buffer => ipv4(source, destination, 4, ttl, ipPacket(packet));

function ipv4(source: string, destination: string, protocol: number, ttl: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt8(ttl, 8);
  header.writeUInt8(protocol, 9);
  header.set(source.split(".").map(Number), 12);
  header.set(destination.split(".").map(Number), 16);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, payload]);
}
