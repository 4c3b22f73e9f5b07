// AH and ESP go along with their ends' connection of UDP, port 500, as by the real IPVS: recordings/sctp.txt, "AH and ESP".

import { encodeInto } from "#layout/codec.js";
import { be16 } from "#layout/numbers.js";
import { IPPROTO_AH, IPPROTO_ESP } from "#wire/ipv4.js";
import { Ipv6 } from "#wire/ipv6.js";
import type { Case, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, service, serviceId, toStack } from "../case.js";
import type { End, IpFields } from "../frame.js";
import { address, changeIp, concatenate, icmp, ip, ipip, payloadOf, tcp, udp } from "../frame.js";
import { VIP, VIP6, at, client, client6, eth1, r1, r1v6, router } from "../network.js";

const CLIENT = at(client, 500);
const SERVICE = at(VIP, 500);
const SERVER = at(r1, 500);
const AGED = { ttl: 63 };
const LEFT_TO_TC = "XDP has no part in ICMP";
const PROTOCOLS = [IPPROTO_AH, IPPROTO_ESP];
/** A security parameters index, a sequence number, and what nobody but the ends can read. */
const SEALED = payloadOf(32);

const NAT = [service("udp", 500, [destination(r1, 500, "masq")])];

export const ipsecCases: readonly Case[] = [
  {
    description: "AH and ESP go with their ends' UDP connection of port 500 by NAT, in both directions, and begin its time anew",
    services: NAT,
    steps: [
      keyExchange(),
      ...PROTOCOLS.flatMap((protocol) => [0, 1, 32, 1480].flatMap((length) => {
        const sealed = (from: End, to: End, fields: IpFields = {}) => ip(from.address, to.address, protocol, payloadOf(length), fields);
        return [fromClient(sealed(CLIENT, SERVICE), forwarded(r1, sealed(CLIENT, SERVER, AGED))), fromServer(r1, sealed(SERVER, CLIENT), answered(client, sealed(SERVICE, CLIENT, AGED)))];
      })),
      { connections: [{ client: "10.0.0.2:500", virtual: "10.0.0.100:500", destination: "10.1.0.11:500", state: "UDP", expiresSeconds: 299 }] },
      { destination: r1, is: { active: 0, inactive: 1, connections: 1n, packetsIn: 9n, packetsOut: 8n } },
    ],
  },
  {
    description: "AH and ESP go by DR and TUN as their ends' UDP connection does",
    services: [service("udp", 500, [destination(r1, 500, "route")]), service("udp", 500, [destination(r1, 500, "tunnel")], { address: "10.0.0.101" })],
    steps: [
      fromClient(udp(CLIENT, SERVICE), forwarded(r1, udp(CLIENT, SERVICE, AGED))),
      fromClient(udp(CLIENT, at("10.0.0.101", 500)), forwarded(r1, tunnelled(udp(CLIENT, at("10.0.0.101", 500), AGED)))),
      ...PROTOCOLS.flatMap((protocol) => [
        fromClient(ip(CLIENT.address, VIP, protocol, SEALED), forwarded(r1, ip(CLIENT.address, VIP, protocol, SEALED, AGED))),
        fromClient(ip(CLIENT.address, "10.0.0.101", protocol, SEALED), forwarded(r1, tunnelled(ip(CLIENT.address, "10.0.0.101", protocol, SEALED, AGED)))),
      ]),
    ],
  },
  {
    description: "AH and ESP begin no connection, and go with none of other ends or ports",
    services: [...NAT, service("udp", 4500, [destination(r1, 4500, "masq")])],
    steps: [
      ...PROTOCOLS.map((protocol) => fromClient(ip(CLIENT.address, VIP, protocol, SEALED), toStack("notOurs"))),
      fromClient(udp(at(client, 501), SERVICE), forwarded(r1, udp(at(client, 501), SERVER, AGED))),
      fromClient(udp(at(client, 500), at(VIP, 4500)), forwarded(r1, udp(at(client, 500), at(r1, 4500), AGED))),
      ...PROTOCOLS.map((protocol) => fromClient(ip(CLIENT.address, VIP, protocol, SEALED), toStack("notOurs"))),
      { destination: r1, is: { packetsIn: 1n } },
    ],
  },
  {
    description: "AH and ESP of a connection whose server was removed are dropped",
    services: NAT,
    steps: [
      keyExchange(), { change: ({ director }) => director.deleteDestination(serviceId("udp", 500), { address: r1.address, port: 500 }) },
      ...PROTOCOLS.map((protocol) => fromClient(ip(CLIENT.address, VIP, protocol, SEALED), dropped("destinationRemoved"))),
    ],
  },
  {
    description: "errors about AH and ESP go with the connection too, and of what they quote the address changes alone",
    services: NAT,
    steps: [
      keyExchange(),
      ...PROTOCOLS.flatMap((protocol) => [SEALED, SEALED.subarray(0, 8)].flatMap((sealed) => {
        const quoted = (from: string, to: string) => ip(from, to, protocol, sealed);
        return [
          fromClient(error(router.address, VIP, quoted(VIP, client.address)),
            { ...forwarded(r1, error(router.address, r1.address, changeIp(quoted(VIP, client.address), { source: address(r1.address) }), AGED)), leftToTc: LEFT_TO_TC }, router),
          fromServer(r1, error(r1.address, client.address, quoted(client.address, r1.address)),
            { ...answered(client, error(VIP, client.address, changeIp(quoted(client.address, r1.address), { destination: address(VIP) }), AGED)), leftToTc: LEFT_TO_TC }),
        ];
      })),
    ],
  },
  {
    description: "IPv6: ESP goes with its ends' UDP connection, and AH is an extension header, behind which the protocol is what it is",
    services: [service("udp", 500, [destination(r1v6, 500, "masq")], { address: VIP6 }), service("tcp", 80, [destination(r1v6, 80, "route")], { address: VIP6 })],
    steps: [
      fromClient(udp(at(client6, 500), at(VIP6, 500)), forwarded(r1v6, udp(at(client6, 500), at(r1v6, 500), AGED)), client6),
      fromClient(ip(client6.address, VIP6, IPPROTO_ESP, SEALED), forwarded(r1v6, ip(client6.address, r1v6.address, IPPROTO_ESP, SEALED, AGED)), client6),
      fromServer(r1v6, ip(r1v6.address, client6.address, IPPROTO_ESP, SEALED), answered(client6, ip(VIP6, client6.address, IPPROTO_ESP, SEALED, AGED))),
      fromClient(authenticated(tcp(at(client6, 40000), at(VIP6, 80), { flags: 2 })), forwarded(r1v6, authenticated(tcp(at(client6, 40000), at(VIP6, 80), { flags: 2, ...AGED }))), client6),
    ],
  },
];

function keyExchange(): Step {
  return fromClient(udp(CLIENT, SERVICE), forwarded(r1, udp(CLIENT, SERVER, AGED)));
}

function tunnelled(inner: Uint8Array): Uint8Array {
  return ipip(eth1.address, r1.address, inner, { ...AGED, identification: 0 });
}

function error(from: string, to: string, quoted: Uint8Array, fields: IpFields = {}): Uint8Array {
  return icmp(from, to, { type: 3, code: 4, rest: 1200, typeOfService: 0xc0, dontFragment: false, ...fields, payload: quoted });
}

/** RFC 4302: an IPv6 packet with AH before what it carries, and a check value of twelve bytes. */
function authenticated(packet: Uint8Array): Uint8Array {
  const [protocol] = packet.subarray(6, 7);
  const header = concatenate(Uint8Array.of(protocol!, 24 / 4 - 2), payloadOf(22));
  const whole = concatenate(packet.subarray(0, Ipv6.size), header, packet.subarray(Ipv6.size));
  encodeInto(Ipv6, { payloadLength: be16(whole.length - Ipv6.size), nextHeader: IPPROTO_AH }, whole);
  return whole;
}
