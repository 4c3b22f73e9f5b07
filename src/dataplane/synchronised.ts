// Connections and templates that another director tells of: a program that no interface runs. The backup daemon
// (control/synchronisation) leaves them in `tolds` and runs it, so that they come into the table as a packet's own do, by the
// same functions and in the same order. Linux v6.12 net/netfilter/ipvs/ip_vs_sync.c, ip_vs_proc_conn(); ip_vs_conn.c, ip_vs_bind_dest().

import type { i32, i64, u32, u64 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { isSame } from "./address.js";
import { ticks } from "./clock.js";
import { FAMILY } from "./config.js";
import { NO_CONNECTION, claim, clientEnd, endNow, findEntry, hashOf, publish, serverOf, setAddresses, templateEnd, touch } from "./connection.js";
import { dialogueOf, openDialogue } from "./dialogue.js";
import type { Told } from "./maps.js";
import {
  CONNECTION_APPLICATION, CONNECTION_CALL, CONNECTION_INACTIVE, CONNECTION_NO_CLIENT_PORT, CONNECTION_NO_OUTPUT, CONNECTION_SYNC, CONNECTION_TEMPLATE, CONNECTION_TOLD,
  CONNECTION_TOLD_ROUND_MASK, CONNECTION_TOLD_ROUND_SHIFT, CONNECTION_TOLD_STATE_MASK, CONNECTION_TOLD_STATE_SHIFT, CONNECTION_YOUNG, connections, DESTINATION_AVAILABLE, destinations, EXPECTED,
  METHOD_MASQ, TEMPLATE_ASSURED, templates, TOLD_ENTERED, TOLD_MAX, TOLD_OUTDATED, TOLD_RENEWED, TOLD_TABLE_FULL, TOLD_UNBOUND, tolds,
} from "./maps.js";
import { NO_DESTINATION } from "./member.js";
import { fillTemplate } from "./persistence.js";
import { countBound, fill, isOfApplication, methodOf } from "./schedule.js";
import { countActivity } from "./state.js";

export const ToldWalk = struct("ToldWalk", { now: U32 });
type ToldWalk = View<typeof ToldWalk>;

/** Enters all that `tolds` tells of this program's family; what became of each stands beside it. */
export function enterTold(_packet: Packet): i32 {
  const walk = make(ToldWalk, { now: ticks() });
  bpf_loop(TOLD_MAX, take, walk, 0n);
  return 0;
}

function take(place: u32, walk: ToldWalk): i64 {
  const told = tolds.at(place);
  if (told.family === 0) return 1n;
  if (told.family !== FAMILY) return 0n;
  told.outcome = (told.flags & CONNECTION_TEMPLATE) !== 0 ? takeTemplate(told, walk.now) : takeConnection(told, walk.now);
  return 0n;
}

function takeConnection(told: Told, now: u32): u32 {
  const kind = (told.flags & CONNECTION_NO_CLIENT_PORT) !== 0 ? EXPECTED : 0;
  const end = clientEnd(told.client, told.clientPort, told.protocol) | (U64(kind) << 56n);
  locate(told, end, now);
  if (told.entry !== NO_CONNECTION) {
    const known = connections.at(told.entry);
    if (known.destinationPort === told.serverPort && isSame(serverOf(known), told.server)) return renew(told, now);
    // The last word about one that another took the place of since.
    if ((told.flags & CONNECTION_INACTIVE) !== 0) return TOLD_OUTDATED;
    endNow(told.entry, now);
  }
  if (!hasDestination(told)) return TOLD_UNBOUND;
  const hash = hashOf(end);
  reserve(told, hash);
  const index = told.entry;
  if (index === NO_CONNECTION) return TOLD_TABLE_FULL;
  const destination = destinations.at(told.destination);
  setAddresses(index, end, told.client, told.virtual, told.server);
  fill(index, told.destination, told.virtualPort, told.serverPort, now);
  const connection = connections.at(index);
  const method = methodOf(destination, told.protocol, told.virtualPort);
  connection.flags = method | CONNECTION_SYNC | CONNECTION_INACTIVE | CONNECTION_YOUNG | (method === METHOD_MASQ ? 0 : CONNECTION_NO_OUTPUT)
    | (isOfApplication(told.protocol, told.virtualPort, method) ? CONNECTION_APPLICATION : 0);
  countBound(destination);
  tell(told, now);
  publish(index, hash);
  return TOLD_ENTERED;
}

/** It stands, and goes on with that state and time: it keeps its flags and its server, and whether it began here. */
function renew(told: Told, now: u32): u32 {
  tell(told, now);
  return TOLD_RENEWED;
}

/** What is told again and again of a connection: state, activity and time. The master's look at the table goes by what it was told (CONNECTION_TOLD). */
function tell(told: Told, now: u32): void {
  const connection = connections.at(told.entry);
  countActivity(connection, (told.flags & CONNECTION_INACTIVE) === 0);
  connection.state = told.state;
  connection.packetsIn = told.packetsIn;
  connection.flags = toldFlags(connection.flags, told.state);
  if ((connection.flags & CONNECTION_APPLICATION) !== 0) tellGrowth(told);
  touch(told.entry, told.timeout, now);
}

/** ip_vs_ct_in_get(): one that stands keeps its server, whatever is told. */
function takeTemplate(told: Told, now: u32): u32 {
  const end = templateEnd(told.client, told.protocol, told.call);
  locate(told, end, now);
  if (told.entry !== NO_CONNECTION) {
    tellTemplate(told, now);
    return TOLD_RENEWED;
  }
  if (!hasDestination(told)) return TOLD_UNBOUND;
  const hash = hashOf(end);
  reserve(told, hash);
  const index = told.entry;
  if (index === NO_CONNECTION) return TOLD_TABLE_FULL;
  setAddresses(index, end, told.client, told.virtual, told.server);
  fillTemplate(index, told.destination, told.virtualPort, told.serverPort, CONNECTION_SYNC | (told.call !== 0n ? CONNECTION_CALL : 0), told.timeout, told.call);
  tellTemplate(told, now);
  publish(index, hash);
  return TOLD_ENTERED;
}

function tellTemplate(told: Told, now: u32): void {
  const connection = connections.at(told.entry);
  connection.state = told.state & TEMPLATE_ASSURED;
  connection.flags = toldFlags(connection.flags, told.state & TEMPLATE_ASSURED);
  templates.at(told.entry).timeout = told.timeout;
  touch(told.entry, told.timeout, now);
}

/** ip_vs_proc_conn(), out_seq: where a server's answers changed their length there, what comes behind them is shifted here too; without room for that, it is not. */
function tellGrowth(told: Told): void {
  "use subprogram";
  const isShifted = told.growthBefore !== 0 || told.growthAfter !== 0;
  const dialogue = isShifted ? openDialogue(told.entry) : dialogueOf(told.entry);
  if (dialogue === null) return;
  dialogue.correctedAt = told.correctedAt;
  dialogue.growthBefore = told.growthBefore;
  dialogue.growthAfter = told.growthAfter;
}

/** A connection's, once it is told of in that state: one round more. */
function toldFlags(flags: u32, state: u32): u32 {
  const round = (flags & CONNECTION_TOLD_ROUND_MASK) + (1 << CONNECTION_TOLD_ROUND_SHIFT);
  return (flags & ~(CONNECTION_TOLD_STATE_MASK | CONNECTION_TOLD_ROUND_MASK)) | CONNECTION_TOLD
    | ((state << CONNECTION_TOLD_STATE_SHIFT) & CONNECTION_TOLD_STATE_MASK) | (round & CONNECTION_TOLD_ROUND_MASK);
}

/** The daemon found it by the configuration that it knows: it may be gone since, and its place another's. */
function hasDestination(told: Told): boolean {
  if (told.destination === NO_DESTINATION) return false;
  const destination = destinations.at(told.destination);
  return (destination.flags & DESTINATION_AVAILABLE) !== 0 && isSame(destination.address, told.server);
}

// Functions of their own that hand over what they found in the row: read back it is any number, and the verifier follows one, not each that it may be.

function locate(told: Told, end: u64, now: u32): void {
  "use subprogram";
  told.entry = findEntry(end, told.client, told.virtual, told.virtualPort, (told.flags & CONNECTION_TEMPLATE) !== 0, told.call, now);
}

function reserve(told: Told, hash: u64): void {
  "use subprogram";
  told.entry = claim(hash);
}
