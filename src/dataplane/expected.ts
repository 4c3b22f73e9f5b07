// Connections that another one announced stand in the table before their first packet comes: FTP's data connections.
// Where the client's port is not known yet, the entry is found without it, once, and moves to its place.
// Linux v6.12 net/netfilter/ipvs/ip_vs_conn.c, ip_vs_conn_in_get(), ip_vs_conn_fill_cport(); ip_vs_ftp.c;
// ip_vs_proto_tcp.c, ip_vs_tcp_conn_listen().

import type { Be16, u32, u64 } from "#layout/numbers.js";
import { be16, u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { atomicAdd, compareExchange } from "#prelude/intrinsics.js";
import type { Address } from "#wire/address.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { NO_CONNECTION, claim, clientEnd, endNow, findEntry, hashOf, publish, serverOf, setAddresses, touch, virtualOf } from "./connection.js";
import { openDialogue } from "./dialogue.js";
import type { Ends, Flow } from "./flow.js";
import { endsOf } from "./flow.js";
import { beginnings, CONNECTION_INACTIVE, EXPECTED, MOVED, connectionWords, connections, destinations, settings } from "./maps.js";
import { TCP_LISTEN } from "./protocols/tcp.js";
import { TABLE_FULL, countBound, fill } from "./schedule.js";

/** A client's port that is not known. */
export const UNKNOWN_PORT: Be16 = be16(0);

/**
 * `control` announces a connection of that client, to the VIP and with the destination that it has itself: from now on it
 * stands there and listens. False when there is no room.
 */
export function announce(control: u32, client: Address, clientPort: Be16, virtualPort: Be16, server: Address, serverPort: Be16, now: u32): boolean {
  const dialogue = openDialogue(control);
  if (dialogue === null) return false;
  const kind = clientPort === UNKNOWN_PORT ? EXPECTED : 0;
  const end = clientEnd(client, clientPort, IPPROTO_TCP) | kindBits(kind);
  const controller = connections.at(control);
  const virtual = virtualOf(controller);
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  locate(end, client, virtual, virtualPort, now);
  if (beginning.entry !== NO_CONNECTION) {
    listen(beginning.entry, now);
    return true;
  }
  const hash = hashOf(end);
  reserve(hash);
  const index = beginning.entry;
  if (index === NO_CONNECTION) return false;
  const chosen = controller.destination;
  const destination = destinations.at(chosen);
  setAddresses(index, end, client, virtual, server);
  fill(index, chosen, virtualPort, serverPort, now);
  const connection = connections.at(index);
  connection.flags = destination.method | CONNECTION_INACTIVE;
  connection.template = control;
  atomicAdd(dialogue, "controlled", 1);
  countBound(destination);
  listen(index, now);
  publish(index, hash);
  return true;
}

function listen(index: u32, now: u32): void {
  connections.at(index).state = TCP_LISTEN;
  touch(index, settings.at(0).tcpTimeouts[TCP_LISTEN], now);
}

/** The expected connection that a client's first packet belongs to, from now on with the client's port: its place, or NO_CONNECTION, or TABLE_FULL. */
export function meetExpected(flow: Flow, now: u32): u32 {
  meet(endsOf(flow), now);
  return beginnings.at(bpf_get_smp_processor_id()).entry;
}

function meet(ends: Ends, now: u32): void {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  const awaited = clientEnd(ends.client, UNKNOWN_PORT, ends.protocol);
  locate(awaited | kindBits(EXPECTED), ends.client, ends.virtual, ends.virtualPort, now);
  const found = beginning.entry;
  if (found === NO_CONNECTION) return;
  // Of two clients' packets at once one gets it.
  beginning.entry = NO_CONNECTION;
  if (compareExchange(connectionWords.at(found), "client", awaited | kindBits(EXPECTED), awaited | kindBits(MOVED)) !== (awaited | kindBits(EXPECTED))) return;
  const end = clientEnd(ends.client, ends.clientPort, ends.protocol);
  const hash = hashOf(end);
  reserve(hash);
  const index = beginning.entry;
  if (index === NO_CONNECTION) {
    beginning.entry = TABLE_FULL;
    return;
  }
  const before = connections.at(found);
  setAddresses(index, end, ends.client, ends.virtual, serverOf(before));
  fill(index, before.destination, before.virtualPort, before.destinationPort, now);
  const connection = connections.at(index);
  connection.flags = before.flags;
  connection.template = before.template;
  listen(index, now);
  publish(index, hash);
  endNow(found, now);
}

// Functions of their own that hand over what they found by way of this processor's Beginning: see there.

function locate(end: u64, client: Address, virtual: Address, port: Be16, now: u32): void {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.entry = findEntry(end, client, virtual, port, false, 0n, now);
}

function reserve(hash: u64): void {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.entry = claim(hash);
}

function kindBits(kind: u32): u64 {
  return U64(kind) << 56n;
}
