// A connection's state, and what follows from it: its timeout, and whether it counts as active with its destination.
// Linux v6.12 net/netfilter/ipvs/ip_vs_proto_tcp.c, set_tcp_state(); ip_vs_proto_udp.c, udp_state_transition().

import type { u32 } from "#layout/numbers.js";
import { atomicAdd } from "#prelude/intrinsics.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import type { Connection } from "./maps.js";
import { CONNECTION_INACTIVE, CONNECTION_NO_OUTPUT, destinations, settings } from "./maps.js";
import type { Flow } from "./parse.js";
import { FROM_CLIENT, FROM_CLIENT_ONLY, FROM_SERVER, isActive, nextState } from "./protocols/tcp.js";

/** After a packet of the client's. */
export function advanceByClient(connection: Connection, flow: Flow): void {
  const answersUnseen = (connection.flags & CONNECTION_NO_OUTPUT) !== 0;
  advance(connection, flow, answersUnseen ? FROM_CLIENT_ONLY : FROM_CLIENT);
}

/** After a packet of the real server's: from now on the director knows that it sees both sides. */
export function advanceByServer(connection: Connection, flow: Flow): void {
  if ((connection.flags & CONNECTION_NO_OUTPUT) !== 0) connection.flags &= ~CONNECTION_NO_OUTPUT;
  advance(connection, flow, FROM_SERVER);
}

function advance(connection: Connection, flow: Flow, from: u32): void {
  if (flow.protocol !== IPPROTO_TCP) {
    connection.timeout = settings.at(0).udpTimeout;
    return;
  }
  const state = nextState(connection.state, flow.tcpFlags, from);
  if (state !== connection.state) {
    connection.state = state;
    countActivity(connection, isActive(state));
  }
  connection.timeout = settings.at(0).tcpTimeouts[state & 0x0f];
}

/** Moves it between its destination's active and inactive connections. */
function countActivity(connection: Connection, active: boolean): void {
  const inactive = (connection.flags & CONNECTION_INACTIVE) !== 0;
  if (active !== inactive) return;
  const destination = destinations.at(connection.destination);
  if (active) {
    connection.flags &= ~CONNECTION_INACTIVE;
    atomicAdd(destination, "activeConnections", 1);
    atomicAdd(destination, "inactiveConnections", 0xffffffff);
  } else {
    connection.flags |= CONNECTION_INACTIVE;
    atomicAdd(destination, "activeConnections", 0xffffffff);
    atomicAdd(destination, "inactiveConnections", 1);
  }
}
