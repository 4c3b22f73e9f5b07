// ICMP errors about packets in the director's tunnels, of every kind, with every family in and out: to the client, about what was inside. Of the
// same family as Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_icmp() has it for IPv4 in IPv4; of the other as the kernel's own
// tunnels do (net/ipv6/ip6_tunnel.c, ip4ip6_err(); net/ipv6/sit.c, ipip6_err()).

import { addressFamily } from "#model/address.js";
import { IPPROTO_DSTOPTS, IPPROTO_IPV6 } from "#wire/ipv6.js";
import { Udp } from "#wire/udp.js";
import type { Case, Expectation, Step } from "../case.js";
import { answered, destination, dropped, fromServer, service, toStack } from "../case.js";
import type { IcmpFields } from "../frame.js";
import { concatenate, icmp, icmpv6, ipip, ipv6, payloadOf, udp } from "../frame.js";
import { at, eth0, gateway, gateway6, r1v6, r2, r2v6 } from "../network.js";
import type { Kind, Mix } from "./tunnel.js";
import {
  KINDS, MIXES, TUNNEL_PORT, clientOf, everyTunnel, innerHeader, isIpv6, outerFields, overhead, ownAddress, request, serviceOf, serviceOf80,
} from "./tunnel.js";

const LEFT_TO_TC = "XDP has no part in ICMP";
const icmpToStack: Expectation = { ...toStack("otherProtocol"), leftToTc: LEFT_TO_TC };

/** What a router may say, by IPv4 and by IPv6, and what it means to a client of the other family. */
const UNREACHABLE = {
  4: [{ type: 3, code: 1 }, { type: 3, code: 3 }, { type: 11, rest: 5 }],
  6: [{ type: 1, code: 0 }, { type: 1, code: 4 }, { type: 3, rest: 5 }],
} as const;
const OTHER_UNREACHABLE = { 4: { type: 3, code: 1 }, 6: { type: 1, code: 3 } } as const;
const tooBig = (family: 4 | 6, mtu: number): IcmpFields => (family === 6 ? { type: 2, rest: mtu } : { type: 3, code: 4, rest: mtu });

const outerFamily = ({ server }: Mix): 4 | 6 => addressFamily(server.address);
const innerFamily = (mix: Mix): 4 | 6 => (isIpv6(mix) ? 6 : 4);
const datagram = (mix: Mix): Uint8Array => udp(clientOf(mix), serviceOf80(mix), { ttl: 63, identification: 99, payload: payloadOf(100) });

export const tunnelErrorCases: readonly Case[] = [
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: a router's "too big" goes to the client, with the MTU that is left inside`,
    services: [serviceOf("udp", kind, mix)],
    steps: [
      request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ttl })),
      ...mtus(kind, mix).map(([mtu, inside]) => about(kind, mix, tooBig(outerFamily(mix), mtu), tooBig(innerFamily(mix), inside))),
      // As little as tells the client: to the ports, and to an odd byte behind them.
      ...[Udp.size, 33].map((length) => {
        const heard = tooBig(innerFamily(mix), 1400 - overhead(kind, mix));
        return about(kind, mix, tooBig(outerFamily(mix), 1400), heard, innerHeader(mix) + length);
      }),
      // Too little, and nothing.
      ...[3, 0].map((length) => fromServer(gateway, error(kind, mix, tooBig(outerFamily(mix), 1400), innerHeader(mix) + length), icmpToStack)),
      fromServer(gateway, error(kind, mix, tooBig(outerFamily(mix), 1400), 0), icmpToStack),
    ],
  })),
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: other errors go to the client: as they are, or as what they mean in its family`,
    services: [serviceOf("udp", kind, mix)],
    steps: [
      request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ttl })),
      ...UNREACHABLE[outerFamily(mix)].map((said) => about(kind, mix, said, outerFamily(mix) === innerFamily(mix) ? said : OTHER_UNREACHABLE[innerFamily(mix)])),
      // What a router dislikes about the outer header is not the client's: a parameter problem, a redirect; a source quench has no like in IPv6.
      ...(outerFamily(mix) === 6 ? [4, 5, 127] : isIpv6(mix) ? [4, 5, 12] : [5, 12]).map((type) => fromServer(gateway, error(kind, mix, { type }), icmpToStack)),
    ],
  })),
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: an error about another's tunnel, or to another's address, goes to the stack`,
    services: [serviceOf("udp", kind, mix)],
    steps: [
      request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ttl })),
      ...[
        // To another real server, of another kind, of a connection that is not there, and to an address that is not the tunnel's.
        error(kind, { ...mix, server: outerFamily(mix) === 6 ? r2v6 : r2 }, tooBig(outerFamily(mix), 1400)),
        ...KINDS.filter(({ tunnel }) => tunnel.tunnelType !== kind.tunnel.tunnelType).map((other) => error(other, mix, tooBig(outerFamily(mix), 1400))),
        error(kind, { ...mix, client: { ...mix.client, address: isIpv6(mix) ? "fd00::3" : "10.0.0.3" } }, tooBig(outerFamily(mix), 1400)),
        error(kind, mix, tooBig(outerFamily(mix), 1400), undefined, outerFamily(mix) === 6 ? eth0.addressIpv6 : eth0.address),
      ].map((packet) => fromServer(gateway, packet, icmpToStack)),
    ],
  })),
  {
    description: "GUE: an error about a packet to another port goes to the stack; optional fields are passed over, and control messages are none of ours",
    services: [serviceOf("udp", KINDS[1]!, MIXES[0]!)],
    steps: [
      request(KINDS[1]!, MIXES[0]!, (ttl) => udp(clientOf(MIXES[0]!), serviceOf80(MIXES[0]!), { ttl })),
      ...([
        [TUNNEL_PORT, 0x00, 0, true], [TUNNEL_PORT, 0x02, 8, true],
        [TUNNEL_PORT + 1, 0x00, 0, false], [TUNNEL_PORT, 0x20, 0, false], [TUNNEL_PORT, 0x40, 0, false],
      ] as const)
        .map(([port, first, optional, isTold]): Step => {
          const payload = concatenate(Uint8Array.of(first, 4, 0, 0), new Uint8Array(optional), datagram(MIXES[0]!));
          const quoted = udp(at(ownAddress(MIXES[0]!.server.address), 40000), at(MIXES[0]!.server, port), { payload });
          const said = icmp(gateway.address, ownAddress(MIXES[0]!.server.address), { ...tooBig(4, 1400), payload: quoted });
          return fromServer(gateway, said, isTold ? told(MIXES[0]!, tooBig(4, 1400 - 32 - optional), datagram(MIXES[0]!)) : icmpToStack);
        }),
    ],
  },
  {
    description: "IPv4 in IPv6: a client that allows fragments is not told",
    services: [serviceOf("udp", KINDS[0]!, MIXES[2]!)],
    steps: [
      request(KINDS[0]!, MIXES[2]!, (ttl) => udp(clientOf(MIXES[2]!), serviceOf80(MIXES[2]!), { ttl })),
      fromServer(gateway, icmpv6(gateway6.address, ownAddress(r1v6.address), {
        ...tooBig(6, 1400),
        payload: ipip(ownAddress(r1v6.address), r1v6.address, udp(clientOf(MIXES[2]!), serviceOf80(MIXES[2]!), { ttl: 63, dontFragment: false })),
      }), dropped("tooBig")),
    ],
  },
  {
    description: "IPv6 in IPv6: the quoted outer header may have extensions",
    services: [serviceOf("udp", KINDS[0]!, MIXES[1]!)],
    steps: [
      request(KINDS[0]!, MIXES[1]!, (ttl) => udp(clientOf(MIXES[1]!), serviceOf80(MIXES[1]!), { ttl })),
      // RFC 2473 section 4.1.1: a limit to tunnels in tunnels.
      fromServer(gateway, icmpv6(gateway6.address, ownAddress(r1v6.address), {
        ...tooBig(6, 1400),
        payload: ipv6(ownAddress(r1v6.address), r1v6.address, IPPROTO_IPV6, datagram(MIXES[1]!), {
          firstHeader: IPPROTO_DSTOPTS, options: Uint8Array.of(41, 0, 4, 1, 4, 1, 1, 0),
        }),
      }), told(MIXES[1]!, tooBig(6, 1400 - 48), datagram(MIXES[1]!))),
    ],
  },
  {
    description: "an error whose checksum is wrong is as wrong to the client, of another family too",
    services: MIXES.map((mix, i) => service("udp", 80 + i, [destination(mix.server, 80 + i, "tunnel", KINDS[1]!.tunnel)], { address: mix.vip })),
    steps: MIXES.flatMap((mix, i) => {
      const cause = udp(clientOf(mix), at(mix.vip, 80 + i), { ttl: 63, identification: 99, payload: payloadOf(9) });
      const said = error(KINDS[1]!, mix, tooBig(outerFamily(mix), 1400), undefined, undefined, cause);
      const heard = errorToClient(mix, tooBig(innerFamily(mix), 1400 - overhead(KINDS[1]!, mix)), cause);
      return [
        request(KINDS[1]!, mix, (ttl) => udp(clientOf(mix), at(mix.vip, 80 + i), { ttl })),
        fromServer(gateway, damaged(said), { ...told(mix, { type: 0 }, cause), packet: damaged(heard) }),
      ];
    }),
  },
];

/** What the router tells, and what is left of it. */
function mtus(kind: Kind, mix: Mix): readonly (readonly [number, number])[] {
  const bytes = overhead(kind, mix);
  // RFC 8201: of IPv6 never less than 1280. ip_vs_in_icmp(): of IPv4 only what is above 68 bytes and the headers is made smaller.
  if (isIpv6(mix)) return [[1400, 1400 - bytes], [1280 + bytes + 1, 1281], [1280 + bytes, 1280], [600, 1280], [0, 1280]];
  return [[1400, 1400 - bytes], [68 + bytes + 1, 69], [68 + bytes, 68 + bytes], [0, 0]];
}

/** An error from a router on the tunnel's way, and what the client hears of it. `quotedBytes`: of the packet inside. */
function about(kind: Kind, mix: Mix, said: IcmpFields, heard: IcmpFields, quotedBytes = datagram(mix).length): Step {
  return fromServer(gateway, error(kind, mix, said, quotedBytes), told(mix, heard, datagram(mix).subarray(0, quotedBytes)));
}

function told(mix: Mix, heard: IcmpFields, quoted: Uint8Array): Extract<Expectation, { readonly fate: "forwarded" }> {
  const packet = errorToClient(mix, heard, quoted);
  return { ...answered(mix.client, packet), counts: { packetsOut: 2, bytesOut: quoted.length + packet.length }, leftToTc: LEFT_TO_TC };
}

function errorToClient(mix: Mix, heard: IcmpFields, quoted: Uint8Array): Uint8Array {
  return isIpv6(mix)
    ? icmpv6(mix.vip, mix.client.address, { ...heard, payload: quoted, identification: 0 })
    : icmp(mix.vip, mix.client.address, { ...heard, payload: quoted, typeOfService: 0xc0, identification: 99, dontFragment: false });
}

/** As routers send it, `quotedBytes` of the packet inside. `to`: the director's address there, unless a test has another. */
function error(kind: Kind, mix: Mix, said: IcmpFields, quotedBytes = datagram(mix).length, to = ownAddress(mix.server.address), inner = datagram(mix)): Uint8Array {
  const server = mix.server.address;
  const sent = udp(at(ownAddress(server), 40000), at(server, TUNNEL_PORT));
  const whole = kind.around(inner, server, outerFields(inner, server, sent), sent);
  const payload = whole.subarray(0, whole.length - inner.length + Math.min(quotedBytes, inner.length));
  return outerFamily(mix) === 6
    ? icmpv6(gateway6.address, to, { ...said, payload })
    : icmp(gateway.address, to, { ...said, typeOfService: 0xc0, dontFragment: false, payload });
}

/** One bit turned over on its way. */
function damaged(packet: Uint8Array): Uint8Array {
  const changed = packet.slice();
  changed[changed.length - 1] = changed.at(-1)! ^ 1;
  return changed;
}
