// The sysctls that say which packets begin a connection, and what is done against a flood of them: sloppy_tcp, drop_packet,
// secure_tcp. Kernel v6.12 ip_vs_proto_tcp.c, tcp_conn_schedule(), tcp_states_dos[]; ip_vs_core.c, ip_vs_todrop().

import type { Case, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, service, sysctl, toStack } from "../case.js";
import { ACK, FIN, PSH, RST, SYN, tcp, udp } from "../frame.js";
import { VIP, VIP6, at, client, client6, r1, r1v6 } from "../network.js";

const SERVICE = at(VIP, 80);
const AGED = { ttl: 63 };
const DIRECT = [service("tcp", 80, [destination(r1, 80, "route")]), service("udp", 80, [destination(r1, 80, "route")])];

export const overloadCases: readonly Case[] = [
  {
    description: "with sloppy_tcp any segment but a reset begins a connection, without only a SYN",
    services: DIRECT,
    steps: [
      ...[ACK, FIN | ACK, PSH | ACK, 0, RST].map((flags, i) => fromClient(tcp(at(client, 41000 + i), SERVICE, { flags }), toStack("notASyn"))),
      sysctl({ sloppy_tcp: 1 }),
      ...[ACK, PSH | ACK, FIN | ACK].map((flags, i) => segment(41000 + i, flags)),
      ...[RST, RST | ACK, SYN | RST].map((flags) => fromClient(tcp(at(client, 41010), SERVICE, { flags }), toStack("notASyn"))),
      { connections: [listed(41000, "ESTABLISHED", 899), listed(41001, "ESTABLISHED", 899), listed(41002, "CLOSE", 9)] },
    ],
  },
  {
    description: "with drop_packet 3 one of am_droprate new connections is dropped, of TCP and UDP, and none that there is",
    services: [...DIRECT, service("udp", 80, [destination(r1v6, 80, "route")], { address: VIP6 })],
    steps: [
      sysctl({ drop_packet: 3, am_droprate: 3 }),
      fromClient(tcp(at(client, 42000), SERVICE, { flags: SYN }), dropped("dropPacket")),
      segment(42000, SYN), datagram(42001),
      fromClient(udp(at(client, 42002), SERVICE), dropped("dropPacket")),
      ...[SYN, ACK, ACK, ACK].map((flags) => segment(42000, flags)), datagram(42001), datagram(42003), datagram(42004),
      fromClient(udp(at(client6, 42000), at(VIP6, 80)), dropped("dropPacket"), client6),
      sysctl({ drop_packet: 0 }), ...[42010, 42011, 42012, 42013].map(datagram),
    ],
  },
  {
    description: "with secure_tcp 3 a client's ACK establishes nothing: the server must have answered, and answer once more",
    services: [service("tcp", 80, [destination(r1, 80, "masq")])],
    steps: [
      sysctl({ secure_tcp: 3 }), translated(43000, SYN), translated(43000, ACK), { connections: [listed(43000, "SYN_RECV", 59)] },
      answer(43000, SYN | ACK), translated(43000, ACK), { connections: [listed(43000, "SYNACK", 119)] },
      answer(43000, ACK), { connections: [listed(43000, "ESTABLISHED", 899)] },
      translated(43001, SYN), sysctl({ secure_tcp: 0 }), translated(43001, ACK), { connections: [listed(43000, "ESTABLISHED", 899), listed(43001, "ESTABLISHED", 899)] },
    ],
  },
];

function segment(port: number, flags: number): Step {
  return fromClient(tcp(at(client, port), SERVICE, { flags }), forwarded(r1, tcp(at(client, port), SERVICE, { flags, ...AGED })));
}

function translated(port: number, flags: number): Step {
  return fromClient(tcp(at(client, port), SERVICE, { flags }), forwarded(r1, tcp(at(client, port), at(r1, 80), { flags, ...AGED })));
}

function answer(port: number, flags: number): Step {
  return fromServer(r1, tcp(at(r1, 80), at(client, port), { flags }), answered(client, tcp(SERVICE, at(client, port), { flags, ...AGED })));
}

function datagram(port: number): Step {
  return fromClient(udp(at(client, port), SERVICE), forwarded(r1, udp(at(client, port), SERVICE, AGED)));
}

function listed(port: number, state: string, expiresSeconds: number) {
  return { client: `10.0.0.2:${port}`, virtual: "10.0.0.100:80", destination: "10.1.0.11:80", state, expiresSeconds };
}
