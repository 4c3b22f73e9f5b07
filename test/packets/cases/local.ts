// The director as one of its own real servers, and what a service by mark without servers does with cache_bypass.
// Linux v6.12 ip_vs_ctl.c, __ip_vs_update_dest(); ip_vs_xmit.c, ip_vs_null_xmit(); ip_vs_core.c, ip_vs_leave().

import type { Case } from "../case.js";
import { delivered, deliveredAs, destination, forwarded, fromClient, fromClientMarked, refused, service, sysctl, toStack } from "../case.js";
import type { End } from "../frame.js";
import { ACK, FIN, SYN, icmp, tcp, udp } from "../frame.js";
import { quoting } from "./icmp.js";
import { VIP, VIP6, at, client, client6, eth0, eth1, r1 } from "../network.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const AGED = { ttl: 63 };
const itself = { ...r1, name: "the director", address: eth1.address };
const itselfIpv6 = { ...itself, address: eth0.addressIpv6 };
const MARKED = { service: { ...service("udp", 0, []).service, id: { kind: "fwmark", fwmark: 7, family: 4 } as const }, destinations: [] };

export const localCases: readonly Case[] = [
  ...(["route", "tunnel"] as const).map((method): Case => ({
    description: `a destination that is the director itself gets packets by the stack, as they are, whatever the method (${method})`,
    services: [service("tcp", 80, [destination(itself, 80, method)]), service("udp", 80, [destination(itselfIpv6, 80, method)], { address: VIP6 })],
    steps: [
      ...[SYN, ACK, FIN | ACK].map((flags) => fromClient(tcp(CLIENT, SERVICE, { flags }), delivered)),
      // The last hop is no matter: it goes no further.
      fromClient(tcp(CLIENT, SERVICE, { flags: ACK, ttl: 1 }), delivered),
      { destination: itself, is: { active: 0, inactive: 1, connections: 1n, packetsIn: 4n, packetsOut: 0n } },
      { connections: [{ client: "10.0.0.2:40000", virtual: "10.0.0.100:80", destination: "10.1.0.1:80", state: "FIN_WAIT", expiresSeconds: 119 }] },
      fromClient(udp(at(client6, 40000), at(VIP6, 80)), delivered, client6),
    ],
  })),
  {
    description: "a destination by NAT that is the director itself gets packets by the stack, with its own address and port, no hop older",
    services: [
      service("tcp", 80, [destination(itself, 8080, "masq")]), service("udp", 80, [destination(itselfIpv6, 8080, "masq")], { address: VIP6 }),
      service("udp", 81, [destination(itself, 8081, "masq")], { onePacket: true }),
    ],
    steps: [
      ...[SYN, ACK].map((flags) => fromClient(tcp(CLIENT, SERVICE, { flags }), deliveredAs(tcp(CLIENT, at(itself, 8080), { flags })))),
      fromClient(tcp(CLIENT, SERVICE, { flags: ACK, ttl: 1 }), deliveredAs(tcp(CLIENT, at(itself, 8080), { flags: ACK, ttl: 1 }))),
      { connections: [{ client: "10.0.0.2:40000", virtual: "10.0.0.100:80", destination: "10.1.0.1:8080", state: "ESTABLISHED", expiresSeconds: 900 }] },
      fromClient(udp(at(client6, 40000), at(VIP6, 80)), deliveredAs(udp(at(client6, 40000), at(itselfIpv6, 8080))), client6),
      fromClient(udp(CLIENT, at(VIP, 81)), deliveredAs(udp(CLIENT, at(itself, 8081)))),
    ],
  },
  {
    description: "an FTP connection by NAT to the director itself gets packets as they are",
    services: [service("tcp", 21, [destination(itself, 2121, "masq")])],
    steps: [fromClient(tcp(CLIENT, at(VIP, 21), { flags: SYN }), delivered)],
  },
  ...(["masq", "route"] as const).map((method): Case => {
    const server = at(itself, 8080);
    const answer = tcp(SERVICE, CLIENT, { flags: ACK });
    const error = (to: string, quoted: Uint8Array) => icmp("10.3.0.1", to, { type: 3, code: 4, rest: 1400, payload: quoted });
    return {
      description: `an ICMP error about an answer of the director's own server goes to the stack, about what the server sent (${method})`,
      services: [service("tcp", 80, [destination(itself, method === "masq" ? 8080 : 80, method)])],
      steps: [
        fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), method === "masq" ? deliveredAs(tcp(CLIENT, server, { flags: SYN })) : delivered),
        fromClient(error(VIP, answer), method === "masq" ? deliveredAs(error(itself.address, quoting(answer, { from: server }))) : delivered),
      ],
    };
  }),
  {
    description: "the director serves beside real servers, in turn",
    services: [service("udp", 80, [destination(itself, 80, "route"), destination(r1, 80, "route")])],
    steps: [
      fromClient(udp(at(client, 1), SERVICE), forwarded(r1, udp(at(client, 1), SERVICE, AGED))), fromClient(udp(at(client, 2), SERVICE), delivered),
      fromClient(udp(at(client, 1), SERVICE), forwarded(r1, udp(at(client, 1), SERVICE, AGED))), fromClient(udp(at(client, 2), SERVICE), delivered),
    ],
  },
  {
    description: "with cache_bypass a service by mark that has no server lets packets go to where they are addressed, unless that is the director itself",
    notAt: { xdp: "XDP sees none of netfilter's marks" },
    services: [MARKED, service("udp", 81, [])],
    steps: [
      fromClientMarked(7, udp(CLIENT, at("10.3.7.7", 80)), refused("noDestination", icmp("10.3.7.7", client.address, { type: 3, code: 3, payload: udp(CLIENT, at("10.3.7.7", 80)), typeOfService: 0xc0, dontFragment: false }))),
      sysctl({ cache_bypass: 1 }),
      fromClientMarked(7, udp(CLIENT, at("10.3.7.7", 80)), toStack("bypassed")),
      fromClientMarked(7, udp(CLIENT, at(itself, 80)), refused("noDestination", icmp(itself.address, client.address, { type: 3, code: 3, payload: udp(CLIENT, at(itself, 80)), typeOfService: 0xc0, dontFragment: false }))),
      fromClient(udp(CLIENT, at(VIP, 81)), refused("noDestination", icmp(VIP, client.address, { type: 3, code: 3, payload: udp(CLIENT, at(VIP, 81)), typeOfService: 0xc0, dontFragment: false }))),
    ],
  },
];
