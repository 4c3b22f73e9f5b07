// FTP by NAT: data connections that the control connection announces, and sequence numbers where the server's address was
// replaced. What is expected is Linux v6.12 net/netfilter/ipvs/ip_vs_ftp.c and net/netfilter/nf_conntrack_seqadj.c.

import { DIALOGUES_MAX, Dialogue, FTP_LINE_BYTES, Place, dialogues } from "#dataplane/maps.js";
import { encode } from "#layout/codec.js";
import type { Case, Forwarded, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, service, toStack } from "../case.js";
import type { TcpFields } from "../frame.js";
import { ACK, PSH, SYN, tcp, totalLengthOf } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, VIP6, at, client, client6, r1, r1v6, r2 } from "../network.js";

interface Side {
  readonly client: Host;
  readonly virtual: string;
  readonly server: Host;
  readonly virtualPort: number;
  readonly serverPort: number;
}
const IPV4: Side = { client, virtual: VIP, server: r1, virtualPort: 21, serverPort: 21 };
const IPV6: Side = { client: client6, virtual: VIP6, server: r1v6, virtualPort: 21, serverPort: 21 };

const NAT = [service("tcp", 21, [destination(r1, 21, "masq")])];
const NAT6 = [service("tcp", 21, [destination(r1v6, 21, "masq")], { address: VIP6 })];

const CLIENT_PORT = 40000;
const AGED = { ttl: 63 };
const FROM_CLIENT = 1001;
const FROM_SERVER = 2001;

const PASV = "PASV\r\n";
const ENTERING = "227 Entering Passive Mode (10,1,0,11,156,65).\r\n";
const ENTERING_AT_VIP = "227 Entering Passive Mode (10,0,0,100,156,65).\r\n";
const GROWTH = ENTERING_AT_VIP.length - ENTERING.length;
const DATA_PORT = 156 * 256 + 65;
/** 128 * 256 + 235 */
const LISTENING_PORT = 33003;

/** Places behind all that this world's tables have. */
const others = Array.from({ length: DIALOGUES_MAX }, (_, i) => encode(Place, { connection: 2 ** 20 + i, family: 4 }));
const LINE = { flags: PSH | ACK, sequence: FROM_CLIENT, acknowledgment: FROM_SERVER, payload: text("PORT 10,0,0,2,128,235\r\n") };

const XDP_LEAVES = "what applications say is read at TC";

export const ftpCases: readonly Case[] = [
  {
    description: "FTP's PASV: the answer names the VIP, and the client's data connection goes to the server that gave it, once",
    services: [service("tcp", 21, [destination(r2, 21, "masq"), destination(r1, 21, "masq")])],
    steps: [
      ...opening(IPV4),
      says(PASV),
      replies(ENTERING, ENTERING_AT_VIP),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899), listed(0, DATA_PORT, "LISTEN", 119)] },
      ...connects(r1, 41000, DATA_PORT),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899), listed(41000, DATA_PORT, "ESTABLISHED", 899)] },
      { destination: r1, is: { active: 2, inactive: 0, connections: 1n } },
      { destination: r2, is: { active: 0, inactive: 0, connections: 0n } },
      fromClient(tcp(at(client, 41001), at(VIP, DATA_PORT), { flags: SYN }), toStack("notOurs")),
    ],
  },
  {
    description: "FTP's PASV: where an answer got longer, later sequence numbers are shifted, acknowledgements and SACK blocks back, and it is so once more when it is sent again",
    services: NAT,
    steps: [
      ...opening(IPV4),
      says(PASV),
      ...[1, 2].map(() => replies(ENTERING, ENTERING_AT_VIP)),
      byClient({ flags: ACK, acknowledgment: behind(GROWTH) }, { flags: ACK, acknowledgment: behind(0) }),
      byServer({ flags: PSH | ACK, sequence: behind(0), payload: text("150 Here it comes.\r\n") }, { flags: PSH | ACK, sequence: behind(GROWTH), payload: text("150 Here it comes.\r\n") }),
      // What stands before it keeps its number.
      byServer({ flags: ACK, sequence: FROM_SERVER - 1 }, { flags: ACK, sequence: FROM_SERVER - 1 }),
      byClient({ flags: ACK, acknowledgment: FROM_SERVER }, { flags: ACK, acknowledgment: FROM_SERVER }),
      byClient(
        { flags: ACK, acknowledgment: behind(GROWTH), tcpOptions: sack(behind(GROWTH) + 20, behind(GROWTH) + 30, FROM_SERVER - 9, FROM_SERVER) },
        { flags: ACK, acknowledgment: behind(0), tcpOptions: sack(behind(0) + 20, behind(0) + 30, FROM_SERVER - 9, FROM_SERVER) },
      ),
    ],
  },
  {
    description: "FTP's PASV: an answer that gets shorter is cut, and the numbers behind it fall",
    services: [service("tcp", 21, [destination(r1, 21, "masq")], { address: "10.0.0.9" })],
    steps: [
      ...opening({ ...IPV4, virtual: "10.0.0.9" }),
      says(PASV, { ...IPV4, virtual: "10.0.0.9" }),
      replies(ENTERING, "227 Entering Passive Mode (10,0,0,9,156,65).\r\n", { ...IPV4, virtual: "10.0.0.9" }),
      byClient({ flags: ACK, acknowledgment: behind(-1) }, { flags: ACK, acknowledgment: behind(0) }, { ...IPV4, virtual: "10.0.0.9" }),
    ],
  },
  {
    description: "FTP's PORT: the server's data connection comes from its port 20, and leaves from the VIP's",
    services: NAT,
    steps: [
      ...opening(IPV4),
      says("PORT 10,0,0,2,128,235\r\n"),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899), listed(LISTENING_PORT, 20, "LISTEN", 119)] },
      ...calls(IPV4, LISTENING_PORT, 20),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899), listed(LISTENING_PORT, 20, "ESTABLISHED", 899)] },
    ],
  },
  {
    description: "FTP's EPRT and a service on another port of the server's: the data connection comes from the port before",
    services: [service("tcp", 21, [destination(r1, 2121, "masq")])],
    steps: [
      ...opening({ ...IPV4, serverPort: 2121 }),
      says(`EPRT |1|10.0.0.2|${LISTENING_PORT}|\r\n`, { ...IPV4, serverPort: 2121 }),
      ...calls({ ...IPV4, serverPort: 2121 }, LISTENING_PORT, 2120),
    ],
  },
  {
    description: "FTP's EPSV: the answer has no address, and only the data connection is announced",
    services: NAT,
    steps: [
      ...opening(IPV4),
      says("EPSV\r\n"),
      replies(`229 Entering Extended Passive Mode (|||${DATA_PORT}|)\r\n`, `229 Entering Extended Passive Mode (|||${DATA_PORT}|)\r\n`),
      ...connects(r1, 41000, DATA_PORT),
    ],
  },
  {
    description: "FTP's EPSV and EPRT in IPv6",
    services: NAT6,
    steps: [
      ...opening(IPV6),
      says("EPSV 2\r\n", IPV6),
      replies(`229 Entering Extended Passive Mode (|||${DATA_PORT}|)\r\n`, `229 Entering Extended Passive Mode (|||${DATA_PORT}|)\r\n`, IPV6),
      ...connects(r1v6, 41000, DATA_PORT, IPV6),
      says(`EPRT |2|fd00::2|${LISTENING_PORT}|\r\n`, IPV6),
      ...calls(IPV6, LISTENING_PORT, 20),
    ],
  },
  {
    description: "FTP's answers announce only what was asked for",
    services: NAT,
    steps: [
      ...opening(IPV4),
      replies(ENTERING, ENTERING),
      ...["EPSV ALL\r\n", "EPSV 2\r\n"].map((line) => says(line)),
      replies(`229 Entering Extended Passive Mode (|||${DATA_PORT}|)\r\n`, `229 Entering Extended Passive Mode (|||${DATA_PORT}|)\r\n`),
      says("EPSV\r\n"),
      replies(ENTERING, ENTERING),
      says("PORT 10,0,0\r\n"),
      says("EPRT |3|10.0.0.2|33003|\r\n"),
      says("EPRT |1|10.0.0.256|33003|\r\n"),
      says("RETR PORT\r\n"),
      says(`PORT 10,0,0,2,128,235${" ".repeat(250)}\r\n`),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899)] },
    ],
  },
  {
    description: "FTP's lines are read while they have at most 256 bytes, and longer ones go on unread",
    services: NAT,
    steps: [
      ...opening(IPV4),
      says(portOf(FTP_LINE_BYTES + 1)),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899)] },
      says(portOf(FTP_LINE_BYTES)),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899), listed(LISTENING_PORT, 20, "LISTEN", 119)] },
    ],
  },
  {
    description: "FTP's PASV: an answer is rewritten while it has at most 256 bytes afterwards, and a longer one goes on as it is",
    services: NAT,
    steps: [
      ...opening(IPV4),
      says(PASV),
      replies(padded(ENTERING, FTP_LINE_BYTES), padded(ENTERING, FTP_LINE_BYTES)),
      says(PASV),
      replies(padded(ENTERING, FTP_LINE_BYTES - GROWTH), padded(ENTERING_AT_VIP, FTP_LINE_BYTES)),
    ],
  },
  {
    description: "FTP: with as many control connections that announced something as fit, another one's line is dropped, and announces when it is sent again and one has ended",
    services: NAT,
    steps: [
      ...opening(IPV4),
      { change: ({ store }) => others.forEach((place) => store.hash(dialogues).update(place, new Uint8Array(Dialogue.size))) },
      fromClient(tcp(at(client, CLIENT_PORT), at(VIP, 21), LINE), dropped("notAnnounced")),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899)] },
      { change: ({ store }) => store.hash(dialogues).delete(others[0]!) },
      byClient(LINE, LINE),
      { connections: [listed(CLIENT_PORT, 21, "ESTABLISHED", 899), listed(LISTENING_PORT, 20, "LISTEN", 119)] },
    ],
  },
  {
    description: "FTP on another port of the VIP's, and by DR, is nobody's to read",
    services: [service("tcp", 2121, [destination(r1, 21, "masq")]), service("tcp", 21, [destination(r2, 21, "route")])],
    steps: [
      fromClient(tcp(at(client, CLIENT_PORT), at(VIP, 2121), { flags: SYN }), forwarded(r1, tcp(at(client, CLIENT_PORT), at(r1, 21), { flags: SYN, ...AGED }))),
      fromClient(tcp(at(client, CLIENT_PORT), at(VIP, 2121), { flags: ACK }), forwarded(r1, tcp(at(client, CLIENT_PORT), at(r1, 21), { flags: ACK, ...AGED }))),
      fromClient(tcp(at(client, CLIENT_PORT), at(VIP, 2121), { flags: ACK, payload: text(PASV) }), forwarded(r1, tcp(at(client, CLIENT_PORT), at(r1, 21), { flags: ACK, payload: text(PASV), ...AGED }))),
      ...[{ flags: SYN }, { flags: ACK }, { flags: ACK, payload: text("PORT 10,0,0,2,128,235\r\n") }].map((fields) =>
        fromClient(tcp(at(client, CLIENT_PORT), at(VIP, 21), fields), forwarded(r2, tcp(at(client, CLIENT_PORT), at(VIP, 21), { ...fields, ...AGED })))),
      { destination: r1, is: { active: 1, inactive: 0 } },
      { destination: r2, is: { active: 1, inactive: 0 } },
    ],
  },
];

/** The control connection's handshake. */
function opening(side: Side): Step[] {
  return [
    byClient({ flags: SYN, sequence: FROM_CLIENT - 1 }, { flags: SYN, sequence: FROM_CLIENT - 1 }, side),
    byServer({ flags: SYN | ACK, sequence: FROM_SERVER - 1 }, { flags: SYN | ACK, sequence: FROM_SERVER - 1 }, side),
    byClient({ flags: ACK, sequence: FROM_CLIENT }, { flags: ACK, sequence: FROM_CLIENT }, side),
  ];
}

/** PORT with so many blanks that the line has that length: ip_vs_ftp.c, ip_vs_ftp_get_addrport() passes over them. */
function portOf(bytes: number): string {
  const address = "10,0,0,2,128,235\r\n";
  return `PORT${" ".repeat(bytes - "PORT".length - address.length)}${address}`;
}

/** The answer with a longer text. */
function padded(answer: string, bytes: number): string {
  return answer.replace("Mode", "Mode".padEnd("Mode".length + bytes - answer.length, "e"));
}

/** The client's line, which goes on as it is. */
function says(line: string, side = IPV4): Step {
  const fields = { flags: PSH | ACK, sequence: FROM_CLIENT, acknowledgment: FROM_SERVER, payload: text(line) };
  return byClient(fields, fields, side);
}

/** The server's first line, and what the client reads. */
function replies(line: string, read: string, side = IPV4): Step {
  const fields = { flags: PSH | ACK, sequence: FROM_SERVER };
  return byServer({ ...fields, payload: text(line) }, { ...fields, payload: text(read) }, side);
}

/** On the control connection, in `fields` as it comes and `onward` as it goes on. */
function byClient(fields: TcpFields, onward: TcpFields, { client: from, virtual, server, virtualPort, serverPort }: Side = IPV4): Step {
  return fromClient(tcp(at(from, CLIENT_PORT), at(virtual, virtualPort), fields), atTc(forwarded(server, tcp(at(from, CLIENT_PORT), at(server, serverPort), { ...onward, ...AGED }))), from);
}

function byServer(fields: TcpFields, onward: TcpFields, { client: to, virtual, server, virtualPort, serverPort }: Side = IPV4): Step {
  const packet = tcp(at(virtual, virtualPort), at(to, CLIENT_PORT), { ...onward, ...AGED });
  return fromServer(server, tcp(at(server, serverPort), at(to, CLIENT_PORT), fields), { ...atTc(answered(to, packet)), counts: { packetsOut: 1, bytesOut: totalLengthOf(packet) } });
}

function atTc(expectation: Forwarded): Forwarded {
  return { ...expectation, leftToTc: XDP_LEAVES };
}

/** A passive data connection's handshake, by whichever hook. */
function connects(server: Host, clientPort: number, port: number, { client: from, virtual } = IPV4): Step[] {
  const request = (flags: number): Step => fromClient(tcp(at(from, clientPort), at(virtual, port), { flags }), forwarded(server, tcp(at(from, clientPort), at(server, port), { flags, ...AGED })), from);
  return [request(SYN), fromServer(server, tcp(at(server, port), at(from, clientPort), { flags: SYN | ACK }), answered(from, tcp(at(virtual, port), at(from, clientPort), { flags: SYN | ACK, ...AGED }))), request(ACK)];
}

/** An active one's: the server begins, from `port`; the VIP's is 20. */
function calls({ client: to, virtual, server }: Side, clientPort: number, port: number): Step[] {
  const request = (flags: number): Step => fromServer(server, tcp(at(server, port), at(to, clientPort), { flags }), answered(to, tcp(at(virtual, 20), at(to, clientPort), { flags, ...AGED })));
  return [request(SYN), fromClient(tcp(at(to, clientPort), at(virtual, 20), { flags: SYN | ACK }), forwarded(server, tcp(at(to, clientPort), at(server, port), { flags: SYN | ACK, ...AGED })), to), request(ACK)];
}

/** The number of the first byte behind the server's line, and what it grew by. */
function behind(growth: number): number {
  return FROM_SERVER + ENTERING.length + growth;
}

/** RFC 2018, behind two options of no meaning: blocks by their edges. */
function sack(...edges: readonly number[]): Uint8Array {
  const option = new DataView(new ArrayBuffer(4 + 4 * edges.length));
  option.setUint32(0, 0x0101_0502 + 4 * edges.length);
  edges.forEach((edge, i) => option.setUint32(4 + 4 * i, edge));
  return new Uint8Array(option.buffer);
}

function text(line: string): Uint8Array {
  return new TextEncoder().encode(line);
}

function listed(clientPort: number, port: number, state: string, expiresSeconds: number) {
  return { client: `10.0.0.2:${clientPort}`, virtual: `10.0.0.100:${port}`, destination: `10.1.0.11:${port}`, state, expiresSeconds };
}
