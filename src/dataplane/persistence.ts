// Persistence: connections of one client, or of one network of clients, go to one server. What is remembered of the client
// is a template: an entry of the connection table that no packet belongs to, found by the client's masked address and the
// service. Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_sched_persist(); ip_vs_conn.c, ip_vs_ct_in_get(),
// ip_vs_check_template(), ip_vs_control_assure_ct().

import type { Be16, u32, u64 } from "#layout/numbers.js";
import { be16, be32, u64 as U64 } from "#layout/numbers.js";
import { BPF_ANY } from "#prelude/flags.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { atomicAdd, make } from "#prelude/intrinsics.js";
import { Address } from "#wire/address.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_IP } from "#wire/ipv4.js";
import { masked } from "./address.js";
import { ticksOf } from "./clock.js";
import { ENGINE, FAMILY, IPV6 } from "./config.js";
import { NO_CONNECTION, claim, findTemplate, hashOf, publish, setAddresses, templateEnd, touch } from "./connection.js";
import type { Connection, Service } from "./maps.js";
import {
  beginnings, calls, CONNECTION_CALL, CONNECTION_ONE_PACKET, CONNECTION_TEMPLATE, connections, DESTINATION_AVAILABLE, destinations, NO_TEMPLATE, SERVICE_ANY_PORT,
  SERVICE_ONE_PACKET, sipMessages, sysctls, TEMPLATE, TEMPLATE_ASSURED, templates,
} from "./maps.js";
import { placeOf } from "./place.js";
import type { Ends, Flow } from "./flow.js";
import { endsOf } from "./flow.js";

/** Linux include/net/ip_vs.h, FTPPORT: its templates are for all ports, as its data connections come to others. */
const FTP_PORT = be16(21);
const ANY_PORT = be16(0);
/** Both ports of a template that leads nowhere any more. */
const INVALID_PORT = be16(0xffff);

/** The client's template, its time begun anew, or NO_TEMPLATE. */
export function templateOf(service: Service, flow: Flow, now: u32): u32 {
  findValid(service, endsOf(flow), now);
  return beginnings.at(bpf_get_smp_processor_id()).template;
}

function findValid(service: Service, ends: Ends, now: u32): void {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.template = NO_TEMPLATE;
  const known = findTemplate(masked(ends.client, service.netmask), templateProtocol(service, ends.protocol), templateVirtual(service, ends.virtual), templatePort(service, ends.virtualPort), callOf(), now);
  if (known === NO_CONNECTION || !leadsOn(connections.at(known))) return;
  touch(known, templates.at(known).timeout, now);
  beginning.template = known;
}

/** A new one, of a client that goes to that destination from now on; NO_TEMPLATE when the table is full. */
export function remember(service: Service, flow: Flow, chosen: u32, now: u32): u32 {
  enter(service, endsOf(flow), chosen, now);
  return beginnings.at(bpf_get_smp_processor_id()).template;
}

function enter(service: Service, ends: Ends, chosen: u32, now: u32): void {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.template = NO_TEMPLATE;
  const network = masked(ends.client, service.netmask);
  const client = templateEnd(network, templateProtocol(service, ends.protocol), callOf());
  const hash = hashOf(client);
  const index = claim(hash);
  if (index === NO_CONNECTION) return;
  const port = templatePort(service, ends.virtualPort);
  const destination = destinations.at(chosen);
  setAddresses(index, client, network, templateVirtual(service, ends.virtual), destination.address);
  const flags = ((service.flags & SERVICE_ONE_PACKET) !== 0 ? CONNECTION_ONE_PACKET : 0) | (ENGINE ? CONNECTION_CALL : 0);
  fillTemplate(index, chosen, port, port === ANY_PORT ? ANY_PORT : destination.port, flags, ticksOf(service.persistentSeconds), callOf());
  if (ENGINE) calls.update(placeOf(index), sipMessages.at(bpf_get_smp_processor_id()).call, BPF_ANY);
  touch(index, templates.at(index).timeout, now);
  publish(index, hash);
  beginning.template = index;
}

/** All of a claimed entry but its addresses and its time; from now on it counts with its destination. */
export function fillTemplate(index: u32, chosen: u32, virtualPort: Be16, serverPort: Be16, flags: u32, timeout: u32, call: u64): void {
  const destination = destinations.at(chosen);
  const connection = connections.at(index);
  connection.virtualPort = virtualPort;
  connection.destinationPort = serverPort;
  connection.state = 0;
  connection.flags = destination.method | CONNECTION_TEMPLATE | flags;
  connection.destination = chosen;
  connection.packetsIn = 0;
  connection.template = NO_TEMPLATE;
  const template = templates.at(index);
  template.timeout = timeout;
  template.controlled = 0;
  template.call = call;
  atomicAdd(destination, "persistentConnections", 1);
}

/** What the service's engine read of the packet; 0 without one. */
function callOf(): u64 {
  return ENGINE ? beginnings.at(bpf_get_smp_processor_id()).call : 0n;
}

// Of a service by mark one template stands for all addresses, protocols and ports: IP, from the mark's number as an address.

function templateProtocol(service: Service, protocol: IpProtocol): IpProtocol {
  return service.mark !== 0 ? IPPROTO_IP : protocol;
}

/** ip_vs_sched_persist(): the mark in network order is the first word, of IPv6's four too. */
function templateVirtual(service: Service, virtual: Address): Address {
  const isMark = service.mark !== 0;
  const word = U64(be32(service.mark));
  if (FAMILY !== IPV6) return make(Address, { low: isMark ? word : virtual.low });
  return make(Address, { high: isMark ? word : virtual.high, low: isMark ? 0n : virtual.low });
}

function templatePort(service: Service, port: Be16): Be16 {
  return (service.flags & SERVICE_ANY_PORT) !== 0 || port === FTP_PORT ? ANY_PORT : port;
}

/** ip_vs_check_template(): whether its server still takes this client. If not, it is never found again, and ends at its time. */
function leadsOn(template: Connection): boolean {
  const destination = destinations.at(template.destination);
  const quiescent = destination.weight === 0 && sysctls.at(0).expire_quiescent_template !== 0;
  if ((destination.flags & DESTINATION_AVAILABLE) !== 0 && !quiescent) return true;
  template.virtualPort = INVALID_PORT;
  template.destinationPort = INVALID_PORT;
  return false;
}

/** A connection of it is established: from now on it is more than a first packet's trace. */
export function assure(connection: Connection): void {
  if (connection.template === NO_TEMPLATE) return;
  const controller = connections.at(connection.template);
  if (controller.kind === TEMPLATE) controller.state = TEMPLATE_ASSURED;
}
