import assert from "node:assert/strict";
import { test } from "node:test";
import * as a from "../assemble.js";
import { r0, r1, r2, r3, r4, r5, r6, r8, r10 } from "../assemble.js";
import { helperId } from "../helper-names.js";
import { Machine, type PacketContext, type RunResult } from "../machine.js";
import { seededRandom } from "../_random.js";
import { csumFold, csumPartial } from "./checksum.js";
import { EALREADY, EFAULT, EINVAL, ENOTSUPP } from "./errors.js";

const call = (name: string): a.Statement => a.callHelper(helperId(name));

/** A TCP packet over IPv4 with right checksums: 14 + 20 + 20 bytes and a payload. */
function tcpPacket(payload: Uint8Array = Uint8Array.of(1, 2, 3, 4)): Uint8Array {
  const bytes = new Uint8Array(54 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, bytes.length - 14);
  view.setUint8(22, 64);
  view.setUint8(23, 6);
  bytes.set([192, 168, 0, 1, 10, 0, 0, 100], 26);
  view.setUint16(34, 40000);
  view.setUint16(36, 80);
  view.setUint8(46, 0x50);
  bytes.set(payload, 54);
  view.setUint16(24, ipChecksum(bytes), true);
  view.setUint16(50, tcpChecksum(bytes), true);
  return bytes;
}
const ipChecksum = (bytes: Uint8Array): number => csumFold(csumPartial(zeroed(bytes.slice(14, 34), 10), 0));
const tcpChecksum = (bytes: Uint8Array): number => csumFold(csumPartial(zeroed(bytes.slice(34), 16), pseudoHeaderSum(bytes)));
function pseudoHeaderSum(bytes: Uint8Array): number {
  const length = bytes.length - 34;
  return csumPartial(Uint8Array.of(...bytes.subarray(26, 34), 0, 6, length >> 8, length & 0xff), 0);
}
function zeroed(bytes: Uint8Array, at: number): Uint8Array {
  bytes.fill(0, at, at + 2);
  return bytes;
}
const u16At = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
const u32At = (bytes: Uint8Array, at: number): number => (u16At(bytes, at) | (u16At(bytes, at + 2) << 16)) >>> 0;

/** Runs a program of which R6 is the context; its last R0 is the verdict. */
function runTc(statements: readonly a.Statement[], packet: Uint8Array, context: PacketContext = {}): RunResult {
  const machine = new Machine();
  const program = a.assembleProgram({ name: "test", type: "tc" }, [a.mov64(r6, r1), ...statements, a.exit()]);
  return machine.run(machine.load(program), packet, context);
}
function runXdp(statements: readonly a.Statement[], packet: Uint8Array): RunResult {
  const machine = new Machine();
  const program = a.assembleProgram({ name: "test", type: "xdp" }, [a.mov64(r6, r1), ...statements, a.exit()]);
  return machine.run(machine.load(program), packet);
}
const u32 = (value: number): bigint => BigInt(value >>> 0);

/** NAT of the destination 10.0.0.100:80 to `address`:`port`, both as they stand in the packet. */
const nat = (packet: Uint8Array, address: number, port: number): a.Statement[] => [
  a.mov64(r1, r6), a.mov64(r2, 24), a.loadImmediate64(r3, u32(u32At(packet, 30))), a.loadImmediate64(r4, u32(address)), a.mov64(r5, 4),
  call("bpf_l3_csum_replace"),
  a.mov64(r1, r6), a.mov64(r2, 50), a.loadImmediate64(r3, u32(u32At(packet, 30))), a.loadImmediate64(r4, u32(address)), a.mov64(r5, 4 | 0x10),
  call("bpf_l4_csum_replace"),
  a.mov64(r1, r6), a.mov64(r2, 50), a.mov64(r3, u16At(packet, 36)), a.mov64(r4, port), a.mov64(r5, 2),
  call("bpf_l4_csum_replace"),
  a.mov32(r1, address | 0), a.store32(r10, -8, r1), a.store16(r10, -4, port),
  a.mov64(r1, r6), a.mov64(r2, 30), a.mov64(r3, r10), a.add64(r3, -8), a.mov64(r4, 4), a.mov64(r5, 0), call("bpf_skb_store_bytes"),
  a.mov64(r1, r6), a.mov64(r2, 36), a.mov64(r3, r10), a.add64(r3, -4), a.mov64(r4, 2), a.mov64(r5, 0), call("bpf_skb_store_bytes"),
];

test("NAT by the checksum helpers leaves checksums as a full computation gives them", () => {
  const { next, below, note } = seededRandom();
  for (let i = 0; i < 300; i++) {
    const packet = tcpPacket(Uint8Array.from({ length: below(40) }, () => below(256)));
    const [address, port] = [next(), below(0x10000)];
    const { packet: result } = runTc(nat(packet, address, port), packet);
    assert.equal(u32At(result, 30), address, note);
    assert.equal(u16At(result, 36), port, note);
    assert.equal(u16At(result, 24), ipChecksum(result), note);
    assert.equal(u16At(result, 50), tcpChecksum(result), note);
  }
});

test("of a partial checksum only the pseudo header's change counts", () => {
  const packet = tcpPacket();
  const partial = (bytes: Uint8Array) => ~csumFold(pseudoHeaderSum(bytes)) & 0xffff;
  new DataView(packet.buffer).setUint16(50, partial(packet), true);
  const { packet: result } = runTc(nat(packet, 0x0b16_212c, 0x901f), packet, { checksumPartial: true });
  assert.equal(u16At(result, 50), partial(result));
  assert.equal(u16At(result, 24), ipChecksum(result));
});

test("UDP's zero checksum stays zero, and a computed zero becomes ffff", () => {
  const replace = (check: number, from: number, to: number) => {
    const packet = new Uint8Array(60);
    new DataView(packet.buffer).setUint16(40, check, true);
    return u16At(runTc([
      a.mov64(r1, r6), a.mov64(r2, 40), a.mov64(r3, from), a.mov64(r4, to), a.mov64(r5, 2 | 0x20), call("bpf_l4_csum_replace"),
    ], packet).packet, 40);
  };
  assert.equal(replace(0, 1, 2), 0);
  // ~(~1 + ~1 + 2) is zero: RFC 768 sends it as all ones.
  assert.equal(replace(1, 1, 2), 0xffff);
});

test("checksum helpers refuse as the kernel does", () => {
  const replace = (name: string, offset: number, from: number, flags: number) =>
    runTc([a.mov64(r1, r6), a.mov64(r2, offset), a.mov64(r3, from), a.mov64(r4, 0), a.mov64(r5, flags), call(name)], tcpPacket()).verdict;
  assert.equal(replace("bpf_l3_csum_replace", 24, 0, 0x10 | 2), -EINVAL);
  assert.equal(replace("bpf_l3_csum_replace", 25, 0, 2), -EFAULT);
  assert.equal(replace("bpf_l3_csum_replace", 5000, 0, 2), -EFAULT);
  assert.equal(replace("bpf_l4_csum_replace", 50, 1, 0), -EINVAL);
  assert.equal(replace("bpf_l4_csum_replace", 50, 0, 3), -EINVAL);
  assert.equal(replace("bpf_l4_csum_replace", 50, 0, 0), 0);
});

test("bpf_csum_diff gives the sum of what came less what went, in 16 bits", () => {
  const diff = (from: number | null, to: number | null, seed: number) => runTc([
    a.mov32(r1, from ?? 0), a.store32(r10, -4, r1), a.mov32(r1, to ?? 0), a.store32(r10, -8, r1),
    a.mov64(r1, r10), a.add64(r1, -4), a.mov64(r2, from === null ? 0 : 4), a.mov64(r3, r10), a.add64(r3, -8), a.mov64(r4, to === null ? 0 : 4),
    a.mov64(r5, seed), call("bpf_csum_diff"),
  ], tcpPacket()).verdict;
  assert.equal(diff(null, 0x0102_0304, 0), 0x0406);
  assert.equal(diff(null, 0x0102_0304, 5), 0x040b);
  assert.equal(diff(0x0102_0304, 0x0102_0305, 0), 1);
  assert.equal(diff(0x0001_0000, null, 0), 0xfffe);
});

test("bpf_skb_load_bytes reaches beyond the linear part and zeroes what it cannot read", () => {
  const load = (offset: number) => runTc([
    a.store32(r10, -4, -1), a.mov64(r1, r6), a.mov64(r2, offset), a.mov64(r3, r10), a.add64(r3, -4), a.mov64(r4, 4), call("bpf_skb_load_bytes"),
    a.jne(r0, 0, "out"), a.load32(r0, r10, -4), a.label("out"), a.load32(r1, r10, -4), a.store32(r6, 8, r1),
  ], tcpPacket(), { linear: 34 });
  assert.equal(load(54).verdict, 0x0403_0201);
  assert.equal(load(55).verdict, -EFAULT);
  assert.equal(load(55).mark, 0);
});

test("bpf_skb_pull_data makes more of the packet reachable", () => {
  const linearAfter = (length: number) => runTc([
    a.mov64(r1, r6), a.mov64(r2, length), call("bpf_skb_pull_data"), a.load32(r1, r6, 76), a.load32(r2, r6, 80), a.sub64(r2, r1), a.store32(r6, 8, r2),
  ], tcpPacket(), { linear: 34 }).mark;
  assert.equal(linearAfter(0), 34);
  assert.equal(linearAfter(54), 54);
  assert.equal(linearAfter(59), 34);
});

const length = [a.load32(r2, r6, 0), a.store32(r6, 8, r2)];

test("bpf_skb_change_tail cuts and lengthens; __sk_buff's len follows", () => {
  const change = (to: number) => runTc([a.mov64(r1, r6), a.mov64(r2, to), a.mov64(r3, 0), call("bpf_skb_change_tail"), ...length], tcpPacket());
  assert.deepEqual([change(40).packet.length, change(40).mark, change(40).verdict], [40, 40, 0]);
  assert.deepEqual([...change(60).packet.subarray(54)], [1, 2, 3, 4, 0, 0]);
  assert.equal(change(13).verdict, -EINVAL);
  assert.equal(change(70_000).verdict, -EINVAL);
});

test("bpf_skb_change_head puts zeros before the packet", () => {
  const { packet, verdict, mark } = runTc([a.mov64(r1, r6), a.mov64(r2, 300), a.mov64(r3, 0), call("bpf_skb_change_head"), ...length], tcpPacket());
  assert.equal(verdict, 0);
  assert.equal(mark, 358);
  assert.deepEqual(packet, Uint8Array.of(...new Uint8Array(300), ...tcpPacket()));
});

const adjust = (difference: number, mode: number, flags: bigint): a.Statement[] => [
  a.mov64(r1, r6), a.mov64(r2, difference), a.mov64(r3, mode), a.loadImmediate64(r4, flags), call("bpf_skb_adjust_room"), ...length,
];

test("bpf_skb_adjust_room opens a gap of zeros after the link or the network header", () => {
  const packet = tcpPacket();
  const room = (mode: number) => runTc(adjust(20, mode, 0n), packet);
  assert.equal(room(1).mark, 78);
  assert.deepEqual(room(1).packet, Uint8Array.of(...packet.subarray(0, 14), ...new Uint8Array(20), ...packet.subarray(14)));
  assert.deepEqual(room(0).packet, Uint8Array.of(...packet.subarray(0, 34), ...new Uint8Array(20), ...packet.subarray(34)));
});

test("bpf_skb_adjust_room closes a gap, and not more than the network header allows", () => {
  const packet = tcpPacket();
  assert.deepEqual(runTc(adjust(-20, 1, 0n), packet).packet, Uint8Array.of(...packet.subarray(0, 14), ...packet.subarray(34)));
  assert.equal(runTc(adjust(-25, 1, 0n), packet).verdict, -ENOTSUPP);
});

test("bpf_skb_adjust_room refuses as the kernel does", () => {
  assert.equal(runTc(adjust(20, 2, 0n), tcpPacket()).verdict, -ENOTSUPP);
  assert.equal(runTc(adjust(0x1000, 1, 0n), tcpPacket()).verdict, -EFAULT);
  assert.equal(runTc(adjust(20, 1, 1n << 9n), tcpPacket()).verdict, -EINVAL);
  assert.equal(runTc(adjust(20, 1, 6n), tcpPacket()).verdict, -EINVAL);
  assert.equal(runTc(adjust(20, 1, 0n), tcpPacket(), { protocol: 0x0608 }).verdict, -ENOTSUPP);
  const twice = runTc([...adjust(20, 1, 2n), ...adjust(20, 1, 2n)], tcpPacket());
  assert.equal(twice.verdict, -EALREADY);
});

test("room for a tunnel's header comes off each segment, unless the program asks otherwise", () => {
  const segment = (flags: bigint) => runTc(adjust(20, 1, flags), tcpPacket(), { gsoSize: 1448, gsoSegments: 3 }).gsoSize;
  assert.equal(segment(2n), 1428);
  assert.equal(segment(3n), 1448);
});

test("bpf_xdp_adjust_head moves the packet's start within its headroom", () => {
  const move = (by: number) => runXdp([a.mov64(r1, r6), a.mov64(r2, by), call("bpf_xdp_adjust_head")], tcpPacket());
  assert.equal(move(-20).packet.length, 78);
  assert.deepEqual(move(-20).packet.subarray(20), tcpPacket());
  assert.deepEqual(move(14).packet, tcpPacket().subarray(14));
  assert.equal(move(-216).verdict, 0);
  assert.equal(move(-217).verdict, -EINVAL);
  assert.equal(move(45).verdict, -EINVAL);
});

test("bpf_xdp_adjust_tail moves the packet's end within its page", () => {
  const move = (by: number) => runXdp([a.mov64(r1, r6), a.mov64(r2, by), call("bpf_xdp_adjust_tail")], tcpPacket());
  assert.deepEqual([...move(2).packet.subarray(54)], [1, 2, 3, 4, 0, 0]);
  assert.equal(move(-44).packet.length, 14);
  assert.equal(move(-45).verdict, -EINVAL);
  assert.equal(move(3520 - 58).verdict, 0);
  assert.equal(move(3520 - 57).verdict, -EINVAL);
});

test("a redirect counts when the verdict says so", () => {
  const redirect = (name: string, flags: number, type: typeof runTc | typeof runXdp, verdict: a.Statement[] = []) =>
    type([a.mov64(r1, 7), a.mov64(r2, flags), call(name), ...verdict], tcpPacket());
  assert.deepEqual(redirect("bpf_redirect", 0, runXdp).redirect, { kind: "redirect", ifindex: 7, flags: 0 });
  assert.deepEqual(redirect("bpf_redirect", 1, runTc).redirect, { kind: "redirect", ifindex: 7, flags: 1 });
  assert.deepEqual(redirect("bpf_redirect_peer", 0, runTc).redirect, { kind: "peer", ifindex: 7, flags: 0 });
  assert.equal(redirect("bpf_redirect", 1, runXdp).verdict, 0);
  assert.equal(redirect("bpf_redirect_peer", 1, runTc).verdict, 2);
  assert.equal(redirect("bpf_redirect", 0, runTc, [a.mov64(r0, 0)]).redirect, undefined);
});

test("bpf_clone_redirect sends the packet as it is at that moment, and nothing else than a direction", () => {
  const clone = (flags: number) => runTc([
    a.store32(r6, 8, 5), a.mov64(r1, r6), a.mov64(r2, 7), a.mov64(r3, flags), call("bpf_clone_redirect"), a.mov64(r8, r0),
    a.store32(r6, 8, 6), a.mov64(r1, r6), a.mov64(r2, 40), a.mov64(r3, 0), call("bpf_skb_change_tail"), a.mov64(r0, r8),
  ], tcpPacket(), { checksumPartial: true });
  const { verdict, packet, clones, mark } = clone(1);
  assert.deepEqual([verdict, mark, packet], [0, 6, tcpPacket().slice(0, 40)]);
  assert.deepEqual(clones, [{ ifindex: 7, flags: 1, packet: tcpPacket(), mark: 5, tcIndex: 0, gsoSize: 0, checksumPartial: true }]);
  assert.deepEqual([clone(2).verdict, clone(2).clones], [-EINVAL, []]);
});

test("a checksum that is left to the device is whole when bytes go off a packet whose place to sum up from is gone", () => {
  const shrink = [a.mov64(r1, r6), a.mov64(r2, -40), a.mov64(r3, 0), a.mov64(r4, 0), call("bpf_skb_adjust_room")];
  const clone = [a.mov64(r1, r6), a.mov64(r2, 7), a.mov64(r3, 0), call("bpf_clone_redirect")];
  const { clones } = runTc([...clone, ...shrink, ...clone, ...shrink, ...clone], tcpPacket(new Uint8Array(100)), { checksumPartial: true });
  assert.deepEqual(clones.map(({ checksumPartial }) => checksumPartial), [true, true, false]);
});

test("bpf_redirect_neigh carries the next hop that the program names", () => {
  const { redirect, verdict } = runTc([
    a.store64(r10, -24, 0), a.store64(r10, -16, 0), a.store64(r10, -8, 0), a.store32(r10, -24, 2), a.store32(r10, -20, 0x0100_000a),
    a.mov64(r1, 3), a.mov64(r2, r10), a.add64(r2, -24), a.mov64(r3, 20), a.mov64(r4, 0), call("bpf_redirect_neigh"),
  ], tcpPacket());
  assert.equal(verdict, 7);
  assert.deepEqual([...redirect!.neighbour!.subarray(0, 8)], [2, 0, 0, 0, 10, 0, 0, 1]);
  assert.equal(redirect!.kind, "neigh");
});

test("bpf_fib_lookup asks the routing function that the machine was given", () => {
  const machine = new Machine({
    fib: (parameters, flags) => {
      parameters[8] = 5;
      return flags;
    },
  });
  const program = a.assembleProgram({ name: "fib", type: "xdp" }, [
    ...Array.from({ length: 8 }, (_, i) => a.store64(r10, -64 + i * 8, 0)),
    a.mov64(r2, r10), a.add64(r2, -64), a.mov64(r3, 64), a.mov64(r4, 2), call("bpf_fib_lookup"),
    a.load32(r1, r10, -56), a.lsh64(r1, 8), a.or64(r0, r1), a.exit(),
  ]);
  assert.equal(machine.run(machine.load(program), tcpPacket()).verdict, 0x502);
});
