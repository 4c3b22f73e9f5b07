// A new connection: which destination takes it, and its entry in the table. Linux v6.12
// net/netfilter/ipvs/ip_vs_core.c, ip_vs_schedule(); ip_vs_conn.c, ip_vs_conn_new() and ip_vs_bind_dest().

import type { Be16, u32 } from "#layout/numbers.js";
import { be16 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { atomicAdd, fetchAdd } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { FTP_PORT } from "#wire/ftp.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";
import { SCTP_CID_ABORT, SCTP_CID_INIT } from "#wire/sctp.js";
import { TCP_RST, TCP_SYN } from "#wire/tcp.js";
import { HOOK, SCTP_AND_IPSEC, TCP_AND_UDP, TRANSPORTS, XDP } from "./config.js";
import { NO_CONNECTION, claim, clientEnd, hashOf, hold, publish, setAddresses, touch } from "./connection.js";
import { countConnection } from "./counters.js";
import { noteDestination } from "./fragment-notes.js";
import { LOOPBACK_IFINDEX, prove } from "./hop.js";
import type { Destination, Service } from "./maps.js";
import {
  beginnings, CONNECTION_APPLICATION, CONNECTION_INACTIVE, CONNECTION_NO_OUTPUT, CONNECTION_ONE_PACKET, CONNECTION_OWN, CONNECTION_YOUNG, connections, DESTINATION_LOCAL, DESTINATION_OVERLOAD, destinations,
  METHOD_LOCAL, METHOD_MASQ, NO_TEMPLATE, SERVICE_ANY_PORT, SERVICE_FTP, SERVICE_ONE_PACKET, SERVICE_PERSISTENT, sysctls,
} from "./maps.js";
import {
  SCHEDULER_DH, SCHEDULER_FO, SCHEDULER_LBLC, SCHEDULER_LBLCR, SCHEDULER_LC, SCHEDULER_MH, SCHEDULER_NQ, SCHEDULER_OVF, SCHEDULER_RR, SCHEDULER_SED,
  SCHEDULER_SH, SCHEDULER_TWOS, SCHEDULER_WLC, SCHEDULER_WRR,
} from "./maps.js";
import { NO_DESTINATION } from "./member.js";
import { isFragment } from "./network.js";
import type { Ends, Flow } from "./flow.js";
import { endsOf } from "./flow.js";
import { remember, templateOf } from "./persistence.js";
import { SCTP_NONE } from "./protocols/sctp.js";
import { TCP_NONE } from "./protocols/tcp.js";
import { UDP_NORMAL } from "./protocols/udp.js";
import { scheduleDestinationHashing } from "./schedulers/dh.js";
import { scheduleFailOver } from "./schedulers/fo.js";
import { scheduleByLocality } from "./schedulers/lblc.js";
import { scheduleByLocalityWithReplication } from "./schedulers/lblcr.js";
import { scheduleLeastConnection } from "./schedulers/lc.js";
import { scheduleMaglevHashing } from "./schedulers/mh.js";
import { scheduleNeverQueue } from "./schedulers/nq.js";
import { scheduleOverflow } from "./schedulers/ovf.js";
import { scheduleRoundRobin } from "./schedulers/rr.js";
import { scheduleShortestExpectedDelay } from "./schedulers/sed.js";
import { scheduleSourceHashing } from "./schedulers/sh.js";
import { schedulePowerOfTwoChoices } from "./schedulers/twos.js";
import { scheduleWeightedLeastConnection } from "./schedulers/wlc.js";
import { scheduleWeightedRoundRobin } from "./schedulers/wrr.js";

// What there is in place of a connection; places in the table are smaller. NO_CONNECTION: not for a service.
export const NO_CONNECTION_YET = 0xfffffff0;
export const NOT_A_SYN = 0xfffffff1;
export const NO_SERVER = 0xfffffff2;
export const TABLE_FULL = 0xfffffff3;
export const TO_DROP = 0xfffffff4;
export const BYPASS = 0xfffffff5;
/** Another program must read the packet first; it had nothing to read. */
export const BY_ENGINE = 0xfffffff6;
export const NO_CALL = 0xfffffff7;

/**
 * ip_vs_proto_tcp.c, tcp_conn_schedule(): a SYN without RST begins a connection, with sloppy_tcp any segment without; others are the stack's.
 * ip_vs_proto_sctp.c, sctp_conn_schedule(): so do INIT and, with sloppy_sctp, all but ABORT.
 */
export function mayBegin(flow: Flow): boolean {
  if (TRANSPORTS === SCTP_AND_IPSEC) return flow.chunk === SCTP_CID_INIT || (flow.chunk !== SCTP_CID_ABORT && sysctls.at(0).sloppy_sctp !== 0);
  if (flow.protocol !== IPPROTO_TCP) return true;
  if ((flow.tcpFlags & TCP_RST) !== 0) return false;
  return (flow.tcpFlags & TCP_SYN) !== 0 || sysctls.at(0).sloppy_tcp !== 0;
}

/** A new connection of `flow` in that service, by the client's template if there is one: its place in `connections`, or why there is none. */
export function enter(packet: Packet, service: Service, flow: Flow, now: u32): u32 {
  const template = (service.flags & SERVICE_PERSISTENT) !== 0 ? templateOf(service, flow, now) : NO_TEMPLATE;
  const chosen = template !== NO_TEMPLATE ? connections.at(template).destination : schedule(service, flow, now);
  if (chosen === NO_DESTINATION) return service.mark !== 0 && sysctls.at(0).cache_bypass !== 0 ? BYPASS : NO_SERVER;
  return connect(packet, flow, service, chosen, template, now);
}

/**
 * Of the first piece of a packet that was scheduled for itself alone before it was cut (cut.ts): nothing came between, and this processor's own
 * entry is still that packet's. NO_CONNECTION when it is not.
 */
export function enteredBefore(packet: Packet, flow: Flow): u32 {
  packet.tcIndex = 0;
  const index = beginnings.at(bpf_get_smp_processor_id()).onePacketPlace - 1;
  if (index === NO_CONNECTION) return NO_CONNECTION;
  const connection = connections.at(index);
  if (connection.clientPort !== flow.sourcePort || connection.virtualPort !== flow.destinationPort || !isFragment(packet)) return NO_CONNECTION;
  noteDestination(connection.destination);
  return index;
}

/** The destination for the next new connection, or NO_DESTINATION. */
function schedule(service: Service, flow: Flow, now: u32): u32 {
  // ip_vs_schedule(): port 0 is every port for persistent services alone.
  if ((service.flags & (SERVICE_ANY_PORT | SERVICE_PERSISTENT)) === SERVICE_ANY_PORT) return NO_DESTINATION;
  return choose(service, endsOf(flow), now);
}

/** A function of its own: what is asked for once a connection stands beside what runs for every packet, not in it. */
function choose(service: Service, ends: Ends, now: u32): u32 {
  "use subprogram";
  switch (service.scheduler) {
    case SCHEDULER_RR: return scheduleRoundRobin(service);
    case SCHEDULER_WRR: return scheduleWeightedRoundRobin(service);
    case SCHEDULER_LC: return scheduleLeastConnection(service);
    case SCHEDULER_WLC: return scheduleWeightedLeastConnection(service);
    case SCHEDULER_FO: return scheduleFailOver(service);
    case SCHEDULER_OVF: return scheduleOverflow(service);
    case SCHEDULER_LBLC: return scheduleByLocality(service, ends.virtual, now);
    case SCHEDULER_LBLCR: return scheduleByLocalityWithReplication(service, ends.virtual, now);
    case SCHEDULER_DH: return scheduleDestinationHashing(service, ends.virtual);
    case SCHEDULER_SH: return scheduleSourceHashing(service, ends.client, ends.clientPort);
    case SCHEDULER_MH: return scheduleMaglevHashing(service, ends.client, ends.clientPort);
    case SCHEDULER_SED: return scheduleShortestExpectedDelay(service);
    case SCHEDULER_NQ: return scheduleNeverQueue(service);
    case SCHEDULER_TWOS: return schedulePowerOfTwoChoices(service);
    default: return NO_DESTINATION;
  }
}

/**
 * Enters a connection of `flow` with that destination, and with the template that led there, a new one if the service
 * wants one and there is none: its place in `connections`, or TABLE_FULL. One-packet scheduling's entry is this
 * processor's own, and nobody finds it.
 */
function connect(packet: Packet, flow: Flow, service: Service, chosen: u32, known: u32, now: u32): u32 {
  let template = known;
  if ((service.flags & SERVICE_PERSISTENT) !== 0 && known === NO_TEMPLATE) {
    template = remember(service, flow, chosen, now);
    if (template === NO_TEMPLATE) return TABLE_FULL;
  }
  const onePacket = (service.flags & SERVICE_ONE_PACKET) !== 0 && flow.protocol === IPPROTO_UDP;
  const client = clientEnd(flow.source, flow.sourcePort, flow.protocol);
  const hash = hashOf(client);
  const own = beginnings.at(bpf_get_smp_processor_id());
  let index = onePacket ? own.onePacketPlace - 1 : NO_CONNECTION;
  if (index === NO_CONNECTION) {
    index = claim(hash);
    if (index === NO_CONNECTION) return TABLE_FULL;
    if (onePacket) own.onePacketPlace = index + 1;
  }
  const destination = destinations.at(chosen);
  const connection = connections.at(index);
  setAddresses(index, client, flow.source, flow.destination, destination.address);
  // ip_vs_core.c, ip_vs_schedule(), ip_vs_sched_persist(): each port of a service on all of them goes to the same port.
  fill(index, chosen, flow.destinationPort, keepsPort(service, flow) || destination.port === be16(0) ? flow.destinationPort : destination.port, now);
  connection.state = flow.protocol === IPPROTO_TCP ? TCP_NONE : flow.protocol === IPPROTO_UDP ? UDP_NORMAL : SCTP_NONE;
  // ip_vs_ctl.c, __ip_vs_update_dest(): answers pass by the director unless it is NAT; new connections count as inactive.
  const method = methodOf(destination, flow.protocol, flow.destinationPort);
  connection.flags = method | CONNECTION_INACTIVE | (method === METHOD_MASQ ? 0 : CONNECTION_NO_OUTPUT)
    | (HOOK !== XDP && packet.ifindex === LOOPBACK_IFINDEX ? CONNECTION_OWN : 0) | (onePacket ? CONNECTION_ONE_PACKET : CONNECTION_YOUNG) | (isOfApplication(flow.protocol, flow.destinationPort, method) ? CONNECTION_APPLICATION : 0);
  if (onePacket) {
    if (HOOK !== XDP && isFragment(packet)) noteDestination(chosen);
    return index;
  }
  if (template !== NO_TEMPLATE) connection.template = hold(template);
  countBound(destination);
  countConnection(chosen);
  touch(index, NEW_CONNECTION_TICKS, now);
  publish(index, hash);
  return index;
}

/** Whether it goes to the same port: of FTP's service, data connections do. */
function keepsPort(service: Service, flow: Flow): boolean {
  return (service.flags & SERVICE_ANY_PORT) !== 0 && ((service.flags & SERVICE_FTP) === 0 || flow.destinationPort !== be16(FTP_PORT));
}

/**
 * By which a connection goes to that destination. What is the director's own is delivered as it comes, unless it is by NAT: then it is given the server's address
 * and port, and its answers are met as they leave (out.ts). LVS differs: so it does FTP's, whose lines are read where packets come in alone.
 */
export function methodOf(destination: Destination, protocol: IpProtocol, virtualPort: Be16): u32 {
  if ((destination.flags & DESTINATION_LOCAL) === 0) return destination.method;
  const isFtp = protocol === IPPROTO_TCP && (virtualPort === be16(FTP_PORT) || destination.virtualPort === be16(FTP_PORT));
  return destination.method === METHOD_MASQ && !isFtp ? METHOD_MASQ : METHOD_LOCAL;
}

/** ip_vs_proto_tcp.c, tcp_app_conn_bind(): it goes by the port that the client asked for, and by NAT. */
export function isOfApplication(protocol: IpProtocol, virtualPort: Be16, method: u32): boolean {
  return TRANSPORTS === TCP_AND_UDP && protocol === IPPROTO_TCP && virtualPort === be16(FTP_PORT) && method === METHOD_MASQ;
}

/** What all entries of connections begin with; state, flags and times are the caller's. */
export function fill(index: u32, destination: u32, virtualPort: Be16, destinationPort: Be16, now: u32): void {
  const connection = connections.at(index);
  connection.virtualPort = virtualPort;
  connection.destinationPort = destinationPort;
  connection.destination = destination;
  connection.clientHop.validUntil = now;
  prove(connection.clientHop, now);
  connection.packetsIn = 0;
  connection.template = NO_TEMPLATE;
}

/** Until its first packet has set its timeout, which is at once: the tick under way and one more. */
const NEW_CONNECTION_TICKS = 2;

/** One connection more. ip_vs_conn.c, ip_vs_bind_dest(): at its upper threshold a destination is overloaded. */
export function countBound(destination: Destination): void {
  const inactive = fetchAdd(destination, "inactiveConnections", 1) + 1;
  const upper = destination.upperThreshold;
  if (upper !== 0 && inactive + destination.activeConnections >= upper) destination.flags |= DESTINATION_OVERLOAD;
}

/** One connection less. ip_vs_conn.c, ip_vs_unbind_dest() and ip_vs_dest_totalconns(): open again below the lower threshold, 3/4 of the upper by default. */
export function countUnbound(destination: Destination, wasInactive: boolean): void {
  if (wasInactive) atomicAdd(destination, "inactiveConnections", 0xffffffff);
  else atomicAdd(destination, "activeConnections", 0xffffffff);
  if ((destination.flags & DESTINATION_OVERLOAD) === 0) return;
  const total = destination.activeConnections + destination.inactiveConnections;
  const upper = destination.upperThreshold;
  const lower = destination.lowerThreshold;
  const open = lower !== 0 ? total < lower : upper !== 0 ? total * 4 < upper * 3 : true;
  if (open) destination.flags &= ~DESTINATION_OVERLOAD;
}
