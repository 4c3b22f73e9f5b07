// What is none of the director's business goes to the kernel's own stack as it came, and is counted by its reason.

import type { Case, Step } from "../case.js";
import { destination, forwarded, fromClient, fromServer, service, toStack } from "../case.js";
import { ACK, FIN, PSH, RST, SYN, changeIp, frame, icmp, ipip, ipv4, payloadOf, tcp, udp } from "../frame.js";
import { VIP, at, client, eth0, eth1, r1, r2 } from "../network.js";
import { be16 } from "#layout/numbers.js";
import { ETH_P_8021Q, ETH_P_ARP, ETH_P_IPV6 } from "#wire/ethernet.js";
import type { IpProtocol } from "#wire/ipv4.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const NAT = [service("tcp", 80, [destination(r1, 8080, "masq")]), service("udp", 80, [destination(r1, 8080, "masq")])];
const AGED = { ttl: 63 };
const CLIENT_LINK = { from: client.mac!, to: eth0.mac };

export const untouchedCases: readonly Case[] = [
  {
    description: "what is for other addresses than VIPs goes to the stack",
    services: NAT,
    steps: [
      fromClient(tcp(CLIENT, at(eth0, 80), { flags: SYN }), toStack("notOurs")),
      fromClient(tcp(CLIENT, at(r1, 80), { flags: SYN }), toStack("notOurs")),
      fromClient(udp(CLIENT, at("10.0.0.99", 80)), toStack("notOurs")),
      fromClient(udp(CLIENT, at("255.255.255.255", 80)), toStack("notOurs")),
    ],
  },
  {
    description: "what is for a VIP's port without a service goes to the stack",
    services: NAT,
    steps: [
      fromClient(tcp(CLIENT, at(VIP, 81), { flags: SYN }), toStack("notOurs")),
      fromClient(udp(CLIENT, at(VIP, 0)), toStack("notOurs")),
      fromClient(udp(CLIENT, at(VIP, 65535)), toStack("notOurs")),
    ],
  },
  {
    description: "a director without services touches nothing",
    services: [],
    steps: [fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), toStack("notOurs")), fromServer(r1, tcp(SERVER, CLIENT, { flags: SYN | ACK }), toStack("notOurs"))],
  },
  {
    description: "what a real server sends outside of its connections goes to the stack",
    services: NAT,
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1, tcp(CLIENT, SERVER, { flags: SYN, ...AGED }))),
      fromServer(r1, tcp(at(r1, 22), CLIENT, { flags: ACK }), toStack("notOurs")),
      fromServer(r1, tcp(SERVER, at(client, 40001), { flags: ACK }), toStack("notOurs")),
      fromServer(r1, udp(SERVER, CLIENT), toStack("notOurs")),
      fromServer(r2, tcp(at(r2, 8080), CLIENT, { flags: ACK }), toStack("notOurs")),
    ],
  },
  {
    description: "DR has no answers to translate: a packet from the server's address goes to the stack",
    services: [service("tcp", 80, [destination(r1, 80, "route")])],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1, tcp(CLIENT, SERVICE, { flags: SYN, ...AGED }))),
      fromServer(r1, tcp(at(r1, 80), CLIENT, { flags: SYN | ACK }), toStack("notOurs")),
    ],
  },
  {
    description: "ICMP echo to the VIP, and other protocols, go to the stack",
    services: NAT,
    steps: [
      fromClient(icmp(client.address, VIP, { type: 8, rest: 0x0c870001, payload: payloadOf(56) }), { ...toStack("otherProtocol"), leftToTc: "XDP has no part in ICMP" }),
      fromClient(ipip(client.address, VIP, udp(CLIENT, SERVICE)), toStack("otherProtocol")),
      ...[2, 47, 112].map((protocol) => fromClient(ipv4(client.address, VIP, protocol as IpProtocol, payloadOf(60)), toStack("otherProtocol"))),
    ],
  },
  {
    description: "ARP, IPv6, VLAN tags and unknown EtherTypes go to the stack",
    services: NAT,
    steps: [ETH_P_ARP, ETH_P_IPV6, ETH_P_8021Q, be16(0x88cc) as number as typeof ETH_P_ARP].map((etherType): Step => (
      { frame: frame({ ...CLIENT_LINK, etherType }, tcp(CLIENT, SERVICE, { flags: SYN })), by: eth0, expect: toStack("notIp") }
    )),
  },
  {
    description: "a frame that ends in the middle of a TCP packet goes to the stack, wherever it ends",
    services: NAT,
    steps: cutEverywhere(tcp(CLIENT, SERVICE, { flags: SYN, payload: payloadOf(8) })),
  },
  {
    description: "a frame that ends in the middle of a UDP packet with IP options goes to the stack, wherever it ends",
    services: NAT,
    steps: cutEverywhere(udp(CLIENT, SERVICE, { options: new Uint8Array(12).fill(1), payload: payloadOf(5) })),
  },
  {
    description: "a packet whose IP header contradicts itself goes to the stack",
    services: NAT,
    steps: [
      // RFC 791: the header has five words at least; version 4; and the length is that of the whole packet.
      ...[0x40, 0x44].map((versionAndLength) => fromClient(changeIp(tcp(CLIENT, SERVICE, { flags: SYN }), { versionAndLength }), toStack("truncated"))),
      ...[0x05, 0x35, 0xf5].map((versionAndLength) => fromClient(changeIp(tcp(CLIENT, SERVICE, { flags: SYN }), { versionAndLength }), toStack("notIp"))),
      // The length leaves no room for the headers, or is more than there is.
      ...[0, 19, 20, 39, 41, 65535].map((length) => fromClient(changeIp(tcp(CLIENT, SERVICE, { flags: SYN }), { totalLength: be16(length) }), toStack("truncated"))),
      ...[0, 20, 27, 29].map((length) => fromClient(changeIp(udp(CLIENT, SERVICE), { totalLength: be16(length) }), toStack("truncated"))),
      // The longest header, which leaves no room for TCP's.
      fromClient(changeIp(tcp(CLIENT, SERVICE, { flags: SYN }), { versionAndLength: 0x4f }), toStack("truncated")),
    ],
  },
  {
    description: "a TCP segment that is no SYN and belongs to no connection goes to the stack",
    services: NAT,
    // FIN+PUSH+URG: recordings/no-destination.txt has the same.
    steps: [ACK, FIN | ACK, RST, RST | ACK, RST | SYN, PSH | ACK, 0, 0x29].map((flags, i) => fromClient(tcp(at(client, 30044 + i), SERVICE, { flags }), toStack("notASyn"))),
  },
  {
    description: "a packet from an address that nobody can have begins no connection and gets no answer",
    services: [...NAT, service("udp", 81, [])],
    steps: ["0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"].flatMap((address) => [
      fromClient(tcp(at(address, 40000), SERVICE, { flags: SYN }), toStack("notOurs")),
      fromClient(udp(at(address, 40000), at(VIP, 81)), toStack("notOurs")),
    ]),
  },
  {
    description: "a frame for another host's MAC address is left alone",
    services: NAT,
    steps: ["02:00:00:00:00:77", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"].map((to): Step => (
      { frame: frame({ from: client.mac!, to }, tcp(CLIENT, SERVICE, { flags: SYN })), by: eth0, expect: toStack("otherHost") }
    )),
    notAt: { xdp: "a program at XDP is not told whether the frame is for its interface; devices let no other pass unless they are promiscuous" },
  },
  {
    description: "a packet for the VIP is the director's by whichever interface it comes",
    services: NAT,
    steps: [{
      frame: frame({ from: r2.mac!, to: eth1.mac }, tcp(at(r2, 999), SERVICE, { flags: SYN })), by: eth1,
      expect: forwarded(r1, tcp(at(r2, 999), SERVER, { flags: SYN, ...AGED })),
    }],
  },
];

/** Frames of every length from an Ethernet header up to one byte less than the whole. */
function cutEverywhere(packet: Uint8Array): readonly Step[] {
  return Array.from({ length: packet.length }, (_, length): Step => ({
    frame: frame(CLIENT_LINK, packet.subarray(0, length)), by: eth0, expect: toStack("truncated"),
    notInKernel: length < 20 ? "net/bpf/test_run.c, bpf_prog_test_run_skb() refuses a packet without a whole IP header" : undefined,
  }));
}
