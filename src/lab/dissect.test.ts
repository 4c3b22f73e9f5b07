import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFrame } from "./describe.js";
import { dissect } from "./dissect.js";
import { frameProblems } from "./verify.js";

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replace(/\s/g, ""), "hex");
const problems = (frame: Uint8Array, checksumPartial = false): readonly string[] => frameProblems({ bytes: frame, length: frame.length, checksumPartial });

/** Frames as Linux 6.18 sent them, with checksum offload off. */
const ARP_REQUEST = bytes("ffffffffffff 020000000110 0806 0001 0800 06 04 0001 020000000110 c633640a 000000000000 c6336401");
const PING = bytes("020000000101020000000110 0800 4500005447274000 4001 8d38 c633640a cb00710b 0800c6ba20330001" + "77".repeat(56));
const UDP = bytes("020000000101020000000110 0800 4500001e8ffa40004011448bc633640acb00710b 9e120035000a92df 6869");
const SYN = bytes("020000000101020000000110 0800 4500003cc1ef400040061283c633640acb00710b 8e220050bc720db900000000a002faf07a200000 020405b40402080a4a59c9aa000000000103030a");
const UNREACHABLE = bytes("020000000110020000000101 0800 45c0003a4c1200003f01c8a7cb00710bc633640a 0303636200000000 4500001e8ffc40003f114589c633640acb00710b91c60036000a9f2a6869");
/** With a hop-by-hop header, its option Router Alert. */
const MLD_REPORT = bytes("3333000000161e2651f984e386dd 6000000000240001 fe80000000000000a8a5c2fffe99e093 ff020000000000000000000000000016 3a00050200000100 8f0045090000000104000000ff0200000000000000000001ff99e093");
const FRAMES = { ARP_REQUEST, PING, UDP, SYN, UNREACHABLE, MLD_REPORT };

/** SYN inside another IPv4 packet, as a TUN director sends it; the outer checksum by hand. */
const TUNNELLED = bytes("020000000203020000000202 0800 4500005000004000 3f04 f49c cb007102 0a00010b" + Buffer.from(SYN.subarray(14)).toString("hex"));

test("frames that Linux sent have no problems", () => {
  for (const [name, frame] of Object.entries(FRAMES)) assert.deepEqual(problems(frame), [], name);
});

test("an ARP request tells who asks for whom", () => {
  assert.deepEqual(dissect(ARP_REQUEST).arp, {
    operation: "request", senderMac: "02:00:00:00:01:10", senderAddress: "198.51.100.10", targetMac: "00:00:00:00:00:00", targetAddress: "198.51.100.1",
  });
});

test("a SYN has its ports, its flag, and no data behind its options", () => {
  const { ip } = dissect(SYN);
  assert.equal(ip?.ttl, 64);
  assert.equal(ip?.dontFragment, true);
  assert.deepEqual({ ...ip?.tcp, payload: ip?.tcp?.payload.length }, {
    sourcePort: 36386, destinationPort: 80, sequence: 0xbc720db9, acknowledgment: 0, flags: "S", window: 64240, payload: 0,
  });
});

test("a UDP datagram has its data without the padding of short frames", () => {
  const padded = Buffer.concat([UDP, Buffer.alloc(60 - UDP.length)]);
  assert.equal(Buffer.from(dissect(padded).ip?.udp?.payload ?? []).toString(), "hi");
  assert.deepEqual(problems(padded), []);
});

test("an ICMP error shows the packet that it quotes", () => {
  const icmp = dissect(UNREACHABLE).ip?.icmp;
  assert.deepEqual([icmp?.type, icmp?.code], [3, 3]);
  assert.equal(icmp?.quoted?.udp?.destinationPort, 54);
});

test("IPv6 addresses are written as RFC 5952 says, and extension headers are passed over", () => {
  const { ip } = dissect(MLD_REPORT);
  assert.equal(ip?.source, "fe80::a8a5:c2ff:fe99:e093");
  assert.equal(ip?.destination, "ff02::16");
  assert.equal(ip?.icmp?.type, 143);
});

test("a tunnelled packet has both headers", () => {
  const { ip } = dissect(TUNNELLED);
  assert.equal(`${ip?.source} > ${ip?.destination}`, "203.0.113.2 > 10.0.1.11");
  assert.equal(ip?.inner?.tcp?.destinationPort, 80);
  assert.deepEqual(problems(TUNNELLED), []);
});

test("a later fragment is not taken for a transport header", () => {
  const fragment = Uint8Array.from(SYN);
  fragment.set([0x20, 0x10], 20);
  const { ip } = dissect(fragment);
  assert.equal(ip?.fragmentOffset, 128);
  assert.equal(ip?.moreFragments, true);
  assert.equal(ip?.tcp, undefined);
});

test("every flipped bit behind the Ethernet header is noticed", () => {
  for (const [name, frame] of Object.entries({ PING, UDP, SYN })) {
    for (let at = 14; at < frame.length; at++) {
      // A length, a protocol or a fragment offset that changes may turn the checksum's place into data; the header's own
      // checksum tells all the same.
      const damaged = Uint8Array.from(frame);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      assert.notDeepEqual(problems(damaged), [], `${name}, byte ${at}`);
    }
  }
});

test("a wrong checksum is named with the right one", () => {
  const wrong = Uint8Array.from(SYN);
  wrong.set([0x12, 0x34], 14 + 20 + 16);
  assert.deepEqual(problems(wrong), ["TCP checksum is 0x1234, should be 0x7a20"]);
  wrong.set([0xff], 14 + 10);
  assert.match(problems(wrong).join("; "), /IPv4 header checksum is 0xff83, should be 0x1283/);
});

test("a checksum that is wrong inside a tunnel is noticed there", () => {
  const wrong = Uint8Array.from(TUNNELLED);
  wrong[TUNNELLED.length - 1] = 0xff;
  assert.match(problems(wrong).join("; "), /^inner packet: TCP checksum is/);
});

test("a partial checksum is not expected to be whole", () => {
  const partial = Uint8Array.from(SYN);
  partial.set([0, 0], 14 + 20 + 16);
  assert.notDeepEqual(problems(partial), []);
  assert.deepEqual(problems(partial, true), []);
});

test("UDP without a checksum is right in IPv4", () => {
  const without = Uint8Array.from(UDP);
  without.set([0, 0], 14 + 20 + 6);
  assert.deepEqual(problems(without), []);
});

test("frames cut by the capture are verified as far as their headers", () => {
  assert.deepEqual(frameProblems({ bytes: SYN.subarray(0, 60), length: SYN.length, checksumPartial: false }), []);
  assert.notDeepEqual(frameProblems({ bytes: SYN.subarray(0, 60), length: 60, checksumPartial: false }), []);
});

test("a frame fits in one line", () => {
  assert.equal(describeFrame(SYN), "02:00:00:00:01:10 > 02:00:00:00:01:01  198.51.100.10:36386 > 203.0.113.11:80  ttl 64  TCP S 0 bytes");
  assert.match(describeFrame(TUNNELLED), /203\.0\.113\.2 > 10\.0\.1\.11 {2}ttl 63 {2}carries \[198\.51\.100\.10:36386 > /);
  assert.match(describeFrame(ARP_REQUEST), /ARP request for 198\.51\.100\.1 from 198\.51\.100\.10/);
});
