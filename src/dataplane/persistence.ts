// Persistence: connections of one client, or of one network of clients, go to one server. What is remembered of the client
// is a template: an entry of the connection table that no packet belongs to, found by the client's masked address and the
// service. Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_sched_persist(); ip_vs_conn.c, ip_vs_ct_in_get(),
// ip_vs_check_template(), ip_vs_control_assure_ct().

import type { Be16, Be32, u64 } from "#layout/numbers.js";
import { be16, u16, u32, u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { atomicAdd } from "#prelude/intrinsics.js";
import { TICK_SHIFT } from "./clock.js";
import { NO_CONNECTION, claim, findTemplate, hashOf, publish, templateEnd, touch } from "./connection.js";
import type { Connection, Service } from "./maps.js";
import {
  beginnings, CONNECTION_TEMPLATE, connections, connectionWords, DESTINATION_AVAILABLE, destinations, NO_TEMPLATE, SERVICE_ANY_PORT, settings, templates,
  TEMPLATE_ASSURED,
} from "./maps.js";
import type { Flow } from "./parse.js";

/** Linux include/net/ip_vs.h, FTPPORT: its templates are for all ports, as its data connections come to others. */
const FTP_PORT = be16(21);
const ANY_PORT = be16(0);
/** Both ports of a template that leads nowhere any more. */
const INVALID_PORT = be16(0xffff);

/** The client's template, its time begun anew, or NO_TEMPLATE. */
export function templateOf(service: Service, flow: Flow, now: u32): u32 {
  findValid(templateEnd(networkOf(flow.source, service), flow.protocol), flow.destination, templatePort(service, flow.destinationPort), now);
  return beginnings.at(bpf_get_smp_processor_id()).template;
}

function findValid(client: u64, address: Be32, port: Be16, now: u32): void {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.template = NO_TEMPLATE;
  const known = findTemplate(client, address, port, now);
  if (known === NO_CONNECTION || !leadsOn(connections.at(known))) return;
  touch(known, templates.at(known).timeout, now);
  beginning.template = known;
}

/** A new one, of a client that goes to that destination from now on; NO_TEMPLATE when the table is full. */
export function remember(service: Service, flow: Flow, chosen: u32, now: u32): u32 {
  const virtual = (U64(flow.destination) << 16n) | U64(templatePort(service, flow.destinationPort));
  enter(service, templateEnd(networkOf(flow.source, service), flow.protocol), virtual, chosen, now);
  return beginnings.at(bpf_get_smp_processor_id()).template;
}

/** `virtual`: the VIP, and below it the port. */
function enter(service: Service, client: u64, virtual: u64, chosen: u32, now: u32): void {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.template = NO_TEMPLATE;
  const hash = hashOf(client);
  const index = claim(hash);
  if (index === NO_CONNECTION) return;
  const port = u16(virtual) as Be16;
  const destination = destinations.at(chosen);
  connectionWords.at(index).client = client;
  const connection = connections.at(index);
  connection.virtualAddress = u32(virtual >> 16n) as Be32;
  connection.virtualPort = port;
  connection.destinationAddress = destination.address;
  connection.destinationPort = port === ANY_PORT ? ANY_PORT : destination.port;
  connection.state = 0;
  connection.flags = destination.method | CONNECTION_TEMPLATE;
  connection.destination = chosen;
  connection.packetsIn = 0;
  connection.template = NO_TEMPLATE;
  const template = templates.at(index);
  template.timeout = toTicks(service.persistentSeconds);
  template.controlled = 0;
  atomicAdd(destination, "persistentConnections", 1);
  touch(index, template.timeout, now);
  publish(index, hash);
  beginning.template = index;
}

function networkOf(address: Be32, service: Service): Be32 {
  return (address & service.netmask) as Be32;
}

function templatePort(service: Service, port: Be16): Be16 {
  return (service.flags & SERVICE_ANY_PORT) !== 0 || port === FTP_PORT ? ANY_PORT : port;
}

/** ip_vs_check_template(): whether its server still takes this client. If not, it is never found again, and ends at its time. */
function leadsOn(template: Connection): boolean {
  const destination = destinations.at(template.destination);
  const quiescent = destination.weight === 0 && settings.at(0).expireQuiescentTemplate !== 0;
  if ((destination.flags & DESTINATION_AVAILABLE) !== 0 && !quiescent) return true;
  template.virtualPort = INVALID_PORT;
  template.destinationPort = INVALID_PORT;
  return false;
}

function toTicks(seconds: u32): u32 {
  return u32((U64(seconds) * 1_000_000_000n) >> TICK_SHIFT);
}

/** A connection of it is established: from now on it is more than a first packet's trace. */
export function assure(connection: Connection): void {
  if (connection.template !== NO_TEMPLATE) connections.at(connection.template).state = TEMPLATE_ASSURED;
}
