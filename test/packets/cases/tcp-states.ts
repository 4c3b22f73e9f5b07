// TCP's states, packet by packet, as the real IPVS went through them: recordings/connections.txt, with secure_tcp off.
//
//   [80] 2 -> SYN_RECV 58 | r:0x12 -> SYN_RECV 59 | 0x10 -> ESTABLISHED 899
//
// [80] is a NAT service, [81] one by DR; "r:" is the server's packet, the number its flags; then the connection's state
// and the seconds that it has left, or nothing where there is no connection.

import type { Case, Step } from "../case.js";
import { answered, destination, forwarded, fromClient, fromServer, service, toStack } from "../case.js";
import { tcp } from "../frame.js";
import { VIP, at, client, r4 } from "../network.js";
import { section } from "../recording.js";

const CLIENT = at(client, 40000);
const AGED = { ttl: 63 };

export const tcpStateCases: readonly Case[] = section("connections.txt", "state and remaining seconds after each packet")
  .map((line) => toCase(line));

function toCase(line: string): Case {
  const [, port, walk] = /^\[(80|81)\] (.*)$/.exec(line)!;
  const virtual = at(VIP, Number(port));
  return {
    description: `TCP's states are those of the real IPVS: ${line}`,
    services: [service("tcp", virtual.port, [destination(r4, virtual.port, port === "80" ? "masq" : "route")])],
    steps: walk!.split(" | ").flatMap((step) => toSteps(step, virtual.port)),
  };
}

function toSteps(step: string, port: number): readonly Step[] {
  const [, answer, flagsText, state, seconds] = /^(r:)?(\w+) -> ?(?:(\w+) (\d+))?$/.exec(step)!;
  const [virtual, server] = [at(VIP, port), at(r4, port)];
  const fields = { flags: Number(flagsText) };
  const aged = { ...fields, ...AGED };
  const isNat = port === 80;
  const packet = answer === undefined
    ? fromClient(tcp(CLIENT, virtual, fields), state === undefined ? toStack("notASyn") : forwarded(r4, tcp(CLIENT, isNat ? server : virtual, aged)))
    : fromServer(r4, tcp(server, CLIENT, fields), answered(client, tcp(virtual, CLIENT, aged)));
  const connections = state === undefined ? [] : [{
    client: "10.0.0.2:40000", virtual: `10.0.0.100:${port}`, destination: `10.1.0.14:${port}`, state, expiresSeconds: Number(seconds),
  }];
  return [packet, { connections }];
}
