// The persistence engine "sip": which messages belong to one call, and what stands in the table of it. Asked of the real one on 6.1, message by message.

import { CALLS_MAX, Call, Place, SIP_MESSAGE_MAX, calls } from "#dataplane/maps.js";
import { encode } from "#layout/codec.js";
import type { Service } from "#model/director.js";
import assert from "node:assert/strict";
import type { Case, ConnectionExpectation, Expectation, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromClientMarked, fromServer, service } from "../case.js";
import { SYN, fragments, tcp, udp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, VIP6, at, client, client6, distantClient, r1, r1v6, r2, r2v6, r3 } from "../network.js";
import { PLAIN_PROGRAMS } from "../world.js";

const one = distantClient(0x0132);
const other = distantClient(0x0133);
const AGED = { ttl: 63 };
const SIP = { persistentSeconds: 60, persistenceEngine: "sip" };
const FIRST_PORT = 47000;
const XDP_LEAVES = "XDP has no part in what begins a call's connection";

const HEAD = "INVITE sip:a@b SIP/2.0\r\nVia: x\r\n";
/** Places behind all that this world's tables have. */
const others = Array.from({ length: CALLS_MAX }, (_, i) => encode(Place, { connection: 2 ** 20 + i, family: 4 }));
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));
const call = (id: string): string => `${HEAD}Call-ID: ${id}\r\n\r\n`;
const x = (count: number): string => "x".repeat(count);

const services = (changes: Partial<Service> = {}, method: "masq" | "route" = "masq") =>
  [service("udp", 5060, [r1, r2, r3].map((host) => destination(host, method === "masq" ? 5000 : 5060, method)), { ...SIP, ...changes })];

/** By what each says: the server that gets it, or none. */
const MESSAGES: readonly (readonly [text: string, server: Host | undefined])[] = [
  [`${HEAD}Call-ID: one@host\r\nCSeq: 1\r\n\r\n`, r3],
  [`${HEAD}Call-ID: two@host\r\n\r\n`, r2],
  [`${HEAD}Call-ID: one@host\r\n\r\n`, r3],
  [`${HEAD}call-id : one@host\r\n\r\n`, r3],
  [`${HEAD}i: one@host\r\n`, r3],
  [`${HEAD}i: two@host\n`, r2],
  [`${HEAD}I:two@host\r`, r2],
  [`${HEAD}Call-ID:\r\n two@host\r\n`, r2],
  [`${HEAD}Call-ID: three\r\n`, r1],
  [`${HEAD}Call-ID: three@\r\n`, undefined],
  [`${HEAD}Call-ID: th ree@x\r\n`, undefined],
  [`${HEAD}Call-ID: one@host`, undefined],
  [`${HEAD}From: x\r\n`, undefined],
  ["Call-ID: one@host\r\n", undefined],
  ["\r\nCall-ID: one@host\r\n", r3],
  [`${HEAD}Call-ID: ${x(255)}\r\n`, r3],
  [`${HEAD}Call-ID: ${x(256)}\r\n`, undefined],
  [`${HEAD}Call-IDx: one@host\r\ni: two@host\r\n`, undefined],
  [`${HEAD}ix: one@host\r\ni: two@host\r\n`, r2],
  [`${HEAD}Call-ID: @host\r\ni: two@host\r\n`, r2],
  [`${HEAD}i:A\r\n`, r2],
  [`${HEAD}Call-ID: one@host \r\n`, undefined],
  [`${HEAD}Call-ID: one@host@x\r\n`, undefined],
  [`${HEAD}X: ${"y".repeat(1000)}\r\nCall-ID: two@host\r\n`, r2],
  [`${HEAD}Call-ID: one@host;x\r\n`, undefined],
  [`${HEAD}Call-ID: two@host\r\nCall-ID: one@host\r\n`, r2],
  ["", undefined],
];

export const sipCases: readonly Case[] = [
  {
    description: "SIP: messages of one Call-ID go to one server, whatever port and form they have, and those without one are dropped",
    services: services(),
    steps: [
      ...MESSAGES.map(([text, server], i) => message(text, server, FIRST_PORT + i)),
      { destination: r1, is: { persistent: 1 } }, { destination: r2, is: { persistent: 2 } }, { destination: r3, is: { persistent: 2 } },
    ],
  },
  {
    description: "SIP: a call's template is listed by its text, assured when the server answers, and a connection's later packets need no Call-ID",
    services: services(),
    steps: [
      message(call("one@host"), r3, 47000), { connections: [template(one, r3, "NONE"), listed(one, 47000, r3)] },
      fromServer(r3, udp(at(r3, 5000), at(one, 47000)), answered(one, udp(at(VIP, 5060), at(one, 47000), AGED))),
      { connections: [template(one, r3, "ASSURED"), listed(one, 47000, r3)] }, callsAre("one@host"),
      fromClient(udp(at(one, 47000), at(VIP, 5060)), forwarded(r3, udp(at(one, 47000), at(r3, 5000), AGED)), one),
      message(call("seven@host"), r2, 47001), callsAre("one@host", "seven@host"),
    ],
  },
  {
    description: "SIP: a call is one of its client's, or of the network's that the netmask tells",
    services: services({ netmask: "255.255.255.0" }),
    steps: [
      message(call("one@host"), r3, 47000), message(call("one@host"), r3, 47000, other), message(call("one@host"), r2, 47000, distantClient(0x0232)),
      message(call("two@host"), r1, 47001, other),
    ],
  },
  {
    description: "SIP: with one-packet scheduling each message goes by its call",
    services: services({ onePacket: true }, "route"),
    steps: [
      ...[["one", r3], ["seven", r2], ["eight", r1], ["seven", r2], ["one", r3]].map(([name, server]) => message(call(`${name as string}@host`), server as Host, 47000, one, "route")),
      { connections: [["one", r3], ["seven", r2], ["eight", r1]].map(([, server]) => template(one, server as Host, "NONE", 5060)) },
      callsAre("eight@host", "one@host", "seven@host"),
    ],
  },
  {
    description: "SIP: more than a hundred calls of one client have templates, each its own",
    services: services({ onePacket: true }, "route"),
    connections: 1024,
    programs: [...PLAIN_PROGRAMS, "weir_tc_sip"],
    steps: [0, 1].flatMap(() => Array.from({ length: 300 }, (_, i) => message(call(`${i}@host`), [r3, r2, r1][i % 3]!, 47000, one, "route"))),
  },
  {
    description: "SIP: a message of 2048 bytes is read, of a longer one none",
    services: services(),
    steps: [
      large(SIP_MESSAGE_MAX + 1, dropped("noCall")), { connections: [] },
      // Too big for these networks, which shows only behind the choice of a server: it is cut.
      large(SIP_MESSAGE_MAX, {
        ...forwarded(r3, fragments(udp(at(one, 47000), at(r3, 5000), { payload: longMessage(SIP_MESSAGE_MAX), dontFragment: false, ...AGED }))[0]!),
        leftToTc: XDP_LEAVES, counts: { packetsIn: 1, bytesIn: 1500 },
      }), { connections: [template(one, r3, "NONE"), listed(one, 47000, r3)] }, callsAre("one@host"),
    ],
  },
  {
    description: "SIP: with as many calls shown as fit, another one's messages go by their call all the same",
    services: services({ onePacket: true }, "route"),
    steps: [
      { change: ({ store }) => others.forEach((place) => store.hash(calls).update(place, new Uint8Array(Call.size))) },
      ...[["one", r3], ["seven", r2], ["one", r3], ["one", r3]].map(([name, server]) => message(call(`${name as string}@host`), server as Host, 47000, one, "route")),
      { connections: [r3, r2].map((server) => template(one, server, "NONE", 5060)) }, callsAre(),
    ],
  },
  {
    description: "SIP: no TCP connection of such a service begins; without persistence the engine is asked for nothing",
    services: [service("tcp", 5060, [destination(r1, 5060, "masq")], SIP), service("udp", 5060, [destination(r1, 5060, "masq")], { ...SIP, persistentSeconds: 0 })],
    steps: [
      fromClient(tcp(at(one, 47000), at(VIP, 5060), { flags: SYN }), dropped("noCall"), one),
      fromClient(udp(at(one, 47000), at(VIP, 5060)), forwarded(r1, udp(at(one, 47000), at(r1, 5060), AGED)), one),
    ],
  },
  {
    description: "SIP: edited to it and back, a service's calls and its clients have templates of their own",
    services: services({ persistenceEngine: "" }),
    steps: [
      fromClient(udp(at(one, 47000), at(VIP, 5060)), forwarded(r3, udp(at(one, 47000), at(r3, 5000), AGED)), one),
      { change: ({ director }) => director.editService(services()[0]!.service) },
      message(call("two@host"), r2, 47001), message(call("two@host"), r2, 47002),
      { change: ({ director }) => director.editService(services({ persistenceEngine: "" })[0]!.service) },
      fromClient(udp(at(one, 47003), at(VIP, 5060)), forwarded(r3, udp(at(one, 47003), at(r3, 5000), AGED)), one),
    ],
  },
  {
    description: "SIP: a service by mark goes by the call too",
    notAt: { xdp: "XDP sees none of netfilter's marks" },
    services: [{ service: { ...service("udp", 5060, [], SIP).service, id: { kind: "fwmark", fwmark: 7, family: 4 } }, destinations: [r1, r2].map((host) => destination(host, 0, "masq")) }],
    steps: [["one", 5060, r2], ["two", 5060, r1], ["one", 5062, r2], ["two", 5062, r1]].map(([name, port, server], i) => {
      const fields = { payload: bytesOf(call(`${name as string}@host`)) };
      const from = at(client, 47000 + i);
      return fromClientMarked(7, udp(from, at(VIP, port as number), fields),
        { ...forwarded(server as Host, udp(from, at(server as Host, port as number), { ...fields, ...AGED })), leftToTc: XDP_LEAVES });
    }),
  },
  {
    description: "SIP: IPv6 too",
    services: [service("udp", 5060, [r1v6, r2v6].map((host) => destination(host, 5000, "masq")), { ...SIP, address: VIP6 })],
    steps: [["one", r2v6], ["two", r1v6], ["one", r2v6]].map(([name, server], i) => {
      const fields = { payload: bytesOf(call(`${name as string}@host`)) };
      const from = at(client6, 47000 + i);
      return fromClient(udp(from, at(VIP6, 5060), fields), { ...forwarded(server as Host, udp(from, at(server as Host, 5000), { ...fields, ...AGED })), leftToTc: XDP_LEAVES }, client6);
    }),
  },
];

/** A datagram that begins a connection, or, with one-packet scheduling, is one. */
function message(text: string, server: Host | undefined, port: number, from = one, method: "masq" | "route" = "masq"): Step {
  const fields = { payload: bytesOf(text) };
  const sent = udp(at(from, port), at(VIP, 5060), fields);
  if (server === undefined) return fromClient(sent, dropped("noCall"), from);
  const leaves = method === "masq" ? udp(at(from, port), at(server, 5000), { ...fields, ...AGED }) : udp(at(from, port), at(VIP, 5060), { ...fields, ...AGED });
  return fromClient(sent, { ...forwarded(server, leaves), leftToTc: XDP_LEAVES }, from);
}

/** A message of that many bytes, whose Call-ID is its last line. */
function large(bytes: number, expect: Expectation): Step {
  return fromClient(udp(at(one, 47000), at(VIP, 5060), { payload: longMessage(bytes), dontFragment: false, identification: 7 }), expect, one);
}

function longMessage(bytes: number): Uint8Array {
  const end = "\r\nCall-ID: one@host\r\n";
  const payload = bytesOf(HEAD + "X: ".padEnd(bytes - HEAD.length - end.length, "y") + end);
  assert.equal(payload.length, bytes);
  return payload;
}

function template(from: Host, server: Host, state: string, port = 5000): ConnectionExpectation {
  return { client: `${from.address}:0`, virtual: `${VIP}:5060`, destination: `${server.address}:${port}`, state, expiresSeconds: 59 };
}

function listed(from: Host, port: number, server: Host): ConnectionExpectation {
  return { client: `${from.address}:${port}`, virtual: `${VIP}:5060`, destination: `${server.address}:5000`, state: "UDP", expiresSeconds: 299 };
}

/** The calls that templates are shown with, in order. */
function callsAre(...texts: readonly string[]): Step {
  return { change: ({ director }) => {
    const shown = [...director.connections()].flatMap(({ persistenceData }) => (persistenceData === undefined ? [] : [`${persistenceData.engine} ${persistenceData.text}`]));
    assert.deepEqual(shown.sort(), texts.map((text) => `sip ${text}`));
  } };
}
