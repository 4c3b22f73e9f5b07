// The real server's decapsulating program, packet by packet: on the user-space machine always, in the kernel where it
// may be used. Both must agree to the byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { decode, encode } from "#layout/codec.js";
import { be16 } from "#layout/numbers.js";
import { compile } from "#compiler/compile.js";
import { toBe32 } from "#control/encode.js";
import { Ipv4Address, Present, TunnelCounters, tunnelCounters, tunnelEnds, tunnelVips } from "#dataplane/decapsulate.js";
import { Machine } from "#ebpf/machine.js";
import { BpfMap } from "#kernel/map.js";
import { loadProgram } from "#kernel/program.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { ETH_P_IP, ETH_P_IPV6, Ethernet } from "#wire/ethernet.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_IPIP, IPPROTO_TCP, Ipv4 } from "#wire/ipv4.js";

const [CIP, VIP, DIP, RIP] = ["198.51.100.7", "10.0.0.100", "192.168.1.1", "192.168.1.11"];
const source = fileURLToPath(new URL("../../../../src/dataplane/decapsulate.ts", import.meta.url));

interface Case {
  readonly name: string;
  readonly packet: Uint8Array;
  /** Without the outer header, counted as such; otherwise untouched. */
  readonly taken?: Uint8Array;
  readonly fragments?: bigint;
}

const payload = Uint8Array.from({ length: 40 }, (_, i) => i);
const inner = ip(CIP, VIP, IPPROTO_TCP, payload);
const CASES: readonly Case[] = [
  { name: "a packet for a VIP comes out of its tunnel", packet: frame(ip(DIP, RIP, IPPROTO_IPIP, inner)), taken: frame(inner) },
  { name: "a packet in a tunnel to somebody else stays in it", packet: frame(ip(DIP, "192.168.1.12", IPPROTO_IPIP, inner)) },
  { name: "a packet in a tunnel for no VIP of ours stays in it", packet: frame(ip(DIP, RIP, IPPROTO_IPIP, ip(CIP, "10.0.0.101", IPPROTO_TCP, payload))) },
  { name: "a packet without a tunnel passes untouched, for a VIP too", packet: frame(inner) },
  { name: "a fragment of a tunnel packet passes untouched and is counted", packet: frame(ip(DIP, RIP, IPPROTO_IPIP, inner, 0x2000)), fragments: 1n },
  { name: "a tunnel packet with options passes untouched", packet: frame(ip(DIP, RIP, IPPROTO_IPIP, inner, 0, 0x46)) },
  { name: "a tunnel packet that ends in its inner header passes untouched", packet: frame(ip(DIP, RIP, IPPROTO_IPIP, inner.subarray(0, 12))) },
  { name: "a frame of another protocol passes untouched", packet: frame(ip(DIP, RIP, IPPROTO_IPIP, inner), ETH_P_IPV6) },
];

const spec = await compile({ source, function: "entry", type: "tc", name: "decapsulate" });

for (const { name, packet, taken, fragments = 0n } of CASES) {
  const expected = { verdict: TC_ACT_UNSPEC, packet: taken ?? packet, counters: { packetsOut: taken === undefined ? 0n : 1n, fragments, failures: 0n } };

  test(`${name}, on the machine`, () => {
    assert.deepEqual(runOnMachine(packet), expected);
  });
  test(`${name}, in the kernel`, { skip: kernelLacks() }, () => {
    assert.deepEqual(runInKernel(packet), expected);
  });
}

function runOnMachine(packet: Uint8Array): unknown {
  const machine = new Machine();
  machine.map(tunnelEnds).update(keyOf(RIP), encode(Present));
  machine.map(tunnelVips).update(keyOf(VIP), encode(Present));
  const result = machine.run(machine.load(spec), packet);
  return { verdict: result.verdict, packet: result.packet, counters: decode(TunnelCounters, machine.map(tunnelCounters).bytes) };
}

function runInKernel(packet: Uint8Array): unknown {
  const maps = new Map([tunnelEnds, tunnelVips, tunnelCounters].map((map) => [map.name, BpfMap.create(map)]));
  try {
    maps.get(tunnelEnds.name)!.update(keyOf(RIP), encode(Present));
    maps.get(tunnelVips.name)!.update(keyOf(VIP), encode(Present));
    const program = loadProgram(spec, maps);
    const { returnValue, data } = program.testRun({ data: packet });
    program.close();
    return { verdict: returnValue, packet: data.slice(), counters: decode(TunnelCounters, maps.get(tunnelCounters.name)!.lookup(new Uint8Array(4))!) };
  } finally {
    for (const map of maps.values()) map.close();
  }
}

function kernelLacks(): string | false {
  try {
    BpfMap.create(tunnelVips).close();
    return false;
  } catch (error) {
    return `bpf(2) is not allowed here: ${(error as Error).message}`;
  }
}

function frame(packet: Uint8Array, etherType = ETH_P_IP): Uint8Array {
  return Uint8Array.of(...encode(Ethernet, { destination: [2, 0, 0, 0, 0, 1], source: [2, 0, 0, 0, 0, 2], etherType }), ...packet);
}

function ip(from: string, to: string, protocol: IpProtocol, data: Uint8Array, flagsAndOffset = 0, versionAndLength = 0x45): Uint8Array {
  const header = encode(Ipv4, {
    versionAndLength, totalLength: be16(Ipv4.size + data.length), ttl: 64, protocol, source: toBe32(from), destination: toBe32(to),
    flagsAndOffset: be16(flagsAndOffset),
  });
  return Uint8Array.of(...header, ...data);
}

function keyOf(address: string): Uint8Array {
  return encode(Ipv4Address, { address: toBe32(address) });
}
