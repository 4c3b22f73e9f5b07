// A connection's state, and what follows from it: its timeout, and whether it counts as active with its destination.
// Linux v6.12 net/netfilter/ipvs/ip_vs_proto_tcp.c, set_tcp_state(); ip_vs_proto_udp.c, udp_state_transition();
// ip_vs_proto_sctp.c, set_sctp_state().

import type { u32 } from "#layout/numbers.js";
import { atomicAdd, likely } from "#prelude/intrinsics.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "#wire/tcp.js";
import { SCTP_AND_IPSEC, TCP_AND_UDP, TRANSPORTS } from "./config.js";
import { countConnection } from "./counters.js";
import { isTcpSecure } from "./defense.js";
import type { Connection } from "./maps.js";
import { CONNECTION_INACTIVE, CONNECTION_NO_OUTPUT, CONNECTION_ONE_PACKET, CONNECTION_YOUNG, destinations, FIRST_PACKETS, settings } from "./maps.js";
import type { Flow } from "./flow.js";
import { assure } from "./persistence.js";
import { SCTP_ESTABLISHED, isActive as isSctpActive, nextState as nextSctpState } from "./protocols/sctp.js";
import { FROM_CLIENT, FROM_CLIENT_ONLY, FROM_SERVER, TCP_ESTABLISHED, isActive, nextState } from "./protocols/tcp.js";

/** After a packet of the client's. Gives the connection's timeout from now on, in ticks. */
export function advanceByClient(connection: Connection, flow: Flow): u32 {
  if (likely(isSteady(connection, flow))) return settings.at(0).tcpTimeouts[TCP_ESTABLISHED];
  const answersUnseen = (connection.flags & CONNECTION_NO_OUTPUT) !== 0;
  return advance(connection, flow, answersUnseen ? FROM_CLIENT_ONLY : FROM_CLIENT);
}

/** After a packet of the real server's: from now on the director knows that it sees both sides. */
export function advanceByServer(connection: Connection, flow: Flow): u32 {
  if ((connection.flags & CONNECTION_NO_OUTPUT) !== 0) connection.flags &= ~CONNECTION_NO_OUTPUT;
  if (likely(isSteady(connection, flow))) return settings.at(0).tcpTimeouts[TCP_ESTABLISHED];
  return advance(connection, flow, FROM_SERVER);
}

/** As most packets are: neither end of an established TCP connection, whose state they leave as it is, and not among its first. */
function isSteady(connection: Connection, flow: Flow): boolean {
  return TRANSPORTS === TCP_AND_UDP && flow.protocol === IPPROTO_TCP && connection.state === TCP_ESTABLISHED && (connection.flags & CONNECTION_YOUNG) === 0
    && (flow.tcpFlags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) === TCP_ACK;
}

function advance(connection: Connection, flow: Flow, from: u32): u32 {
  if (from !== FROM_SERVER && (connection.flags & CONNECTION_YOUNG) !== 0) countFirst(connection);
  if (TRANSPORTS === SCTP_AND_IPSEC) return flow.follows !== 0 ? settings.at(0).udpTimeout : advanceSctp(connection, flow, from);
  if (flow.protocol !== IPPROTO_TCP) {
    if (from === FROM_SERVER) assure(connection);
    else if ((connection.flags & CONNECTION_ONE_PACKET) !== 0) countConnection(connection.destination);
    return settings.at(0).udpTimeout;
  }
  const state = nextState(connection.state, flow.tcpFlags, from, isTcpSecure());
  if (state !== connection.state) {
    connection.state = state;
    countActivity(connection, isActive(state));
    if (state === TCP_ESTABLISHED) assure(connection);
  }
  return settings.at(0).tcpTimeouts[state & 0x0f];
}

/** Its client's packets are counted for as long as drop_entry goes by their number (defense.ts). */
function countFirst(connection: Connection): void {
  connection.packetsIn += 1;
  if (connection.packetsIn > FIRST_PACKETS) connection.flags &= ~CONNECTION_YOUNG;
}

function advanceSctp(connection: Connection, flow: Flow, from: u32): u32 {
  const state = nextSctpState(connection.state, flow.chunk, flow.chunkAfter, from);
  if (state !== connection.state) {
    connection.state = state;
    countActivity(connection, isSctpActive(state));
    if (state === SCTP_ESTABLISHED) assure(connection);
  }
  return settings.at(0).sctpTimeouts[state & 0x0f];
}

/** Moves it between its destination's active and inactive connections. */
export function countActivity(connection: Connection, active: boolean): void {
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
