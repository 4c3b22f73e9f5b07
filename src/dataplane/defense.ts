// The defences against a flood of new connections, by the modes of net.ipv4.vs: 0 never, 3 always, 1 when room is short, and
// then 2 for as long as it is. Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c, update_defense_level(); ip_vs_core.c,
// ip_vs_todrop(); ip_vs_conn.c, ip_vs_random_dropentry(), todrop_entry().
//
// LVS differs: what can run short is not the machine's memory, which the table has had from the beginning, but the table's
// own room. It is measured as the expiry's walk comes round, each half second; amemthresh counts pages of entries.

import type { i32, i64, u32 } from "#layout/numbers.js";
import { i32 as I32, u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { bpf_get_prandom_u32 } from "#prelude/helpers.js";
import { compareExchange, likely } from "#prelude/intrinsics.js";
import { IPPROTO_SCTP, IPPROTO_TCP } from "#wire/ipv4.js";
import { TICK_SHIFT } from "./clock.js";
import { FAMILY, IPV6 } from "./config.js";
import { TAG_LIVE } from "./connection.js";
import { controlledBy } from "./dialogue.js";
import type { Walk } from "./expiry.js";
import type { Connection } from "./maps.js";
import {
  Bucket, Connection as ConnectionStruct, buckets, CONNECTION_APPLICATION, CONNECTION_TEMPLATE, CONNECTION_ONE_PACKET, connections, defenses, FIRST_PACKETS, settings, SLOTS_PER_BUCKET,
  sysctls, TEMPLATE_ASSURED, templates,
} from "./maps.js";
import { SCTP_ESTABLISHED, SCTP_INIT, SCTP_INIT1 } from "./protocols/sctp.js";
import { TCP_ESTABLISHED, TCP_SYNACK, TCP_SYN_RECV } from "./protocols/tcp.js";

const AUTOMATIC = 1;
const ACTIVE = 2;
const ALWAYS = 3;

const PAGE_BYTES = 4096;
const ENTRIES_PER_PAGE = U32(PAGE_BYTES / (ConnectionStruct.size + Bucket.size / SLOTS_PER_BUCKET));
/** Connections that were idle for less are left alone. */
const IDLE_TICKS = U32((60n * 1_000_000_000n) >> TICK_SHIFT);
/** Of the whole table, what is looked at each second, and of that what in each of the fifty slices. */
const SAMPLE_SHIFT = 6;

/** Whether TCP follows the stricter table of states. */
export function isTcpSecure(): boolean {
  return sysctls.at(0).secure_tcp >= ACTIVE;
}

/** Whether this new connection is one of those that are dropped. */
export function isToDrop(): boolean {
  if (likely(sysctls.at(0).drop_packet < ACTIVE)) return false;
  return countDown();
}

function countDown(): boolean {
  "use subprogram";
  const defense = defenses.at(0);
  const rate: i32 = sysctls.at(0).drop_packet === ALWAYS ? sysctls.at(0).am_droprate : dropRate();
  if (rate === 0) return false;
  defense.dropCounter -= 1;
  if (defense.dropCounter > 0) return false;
  defense.dropCounter = rate;
  return true;
}

function dropRate(): i32 {
  return FAMILY === IPV6 ? defenses.at(0).dropRate6 : defenses.at(0).dropRate4;
}

/** After a walk over `slots` slots of which so many were taken. */
export function adjustDefenses(taken: u32, slots: u32): void {
  const defense = defenses.at(0);
  const rate = rateFor(slots - taken, slots);
  if (FAMILY === IPV6) defense.dropRate6 = rate;
  else defense.dropRate4 = rate;
  if (rate !== 0) defense.dropCounter = rate;
  const modes = sysctls.at(0);
  if (defense.dropRate4 !== 0 || defense.dropRate6 !== 0) {
    compareExchange(modes, "drop_entry", AUTOMATIC, ACTIVE);
    compareExchange(modes, "drop_packet", AUTOMATIC, ACTIVE);
    compareExchange(modes, "secure_tcp", AUTOMATIC, ACTIVE);
  } else {
    compareExchange(modes, "drop_entry", ACTIVE, AUTOMATIC);
    compareExchange(modes, "drop_packet", ACTIVE, AUTOMATIC);
    compareExchange(modes, "secure_tcp", ACTIVE, AUTOMATIC);
  }
}

/** One of so many new connections is to be dropped; 0: none. No table is short of room while half of it is free. */
function rateFor(room: u32, slots: u32): i32 {
  const pages = sysctls.at(0).amemthresh;
  if (pages <= 0) return 0;
  const wanted = U64(pages) * U64(ENTRIES_PER_PAGE);
  const half = U64(slots) >> 1n;
  const threshold = wanted < half ? wanted : half;
  return U64(room) < threshold ? I32(threshold / (threshold - U64(room))) : 0;
}

/** Whether drop_entry is at work. */
export function endsEntries(): boolean {
  return sysctls.at(0).drop_entry >= ACTIVE;
}

/** How many buckets to look into beside a slice of so many, that it be 1/32 of the table each second: by chance one more, for what is left over. */
export function entriesSample(slice: u32): u32 {
  return (slice + (bpf_get_prandom_u32() & ((1 << SAMPLE_SHIFT) - 1))) >>> SAMPLE_SHIFT;
}

/** Ends the entries of a bucket, any one, that look like an attacker's. */
export function endSome(_round: u32, walk: Walk): i64 {
  const at = bpf_get_prandom_u32();
  const bucket = buckets.at(at);
  for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
    if (bucket.tags[slot] >= TAG_LIVE && isSuspect((at << 3) | slot, bucket.expires[slot], walk.now)) bucket.expires[slot] = walk.now;
  }
  return 0n;
}

function isSuspect(index: u32, expires: u32, now: u32): boolean {
  const connection = connections.at(index);
  if ((connection.flags & CONNECTION_TEMPLATE) !== 0) {
    return templates.at(index).controlled === 0 && connection.state !== TEMPLATE_ASSURED && (connection.flags & CONNECTION_ONE_PACKET) === 0;
  }
  if ((connection.flags & CONNECTION_APPLICATION) !== 0 && controlledBy(index) !== 0) return false;
  const state = connection.state;
  if (connection.protocol === IPPROTO_SCTP) {
    if (state === SCTP_INIT1 || state === SCTP_INIT) return true;
    return state === SCTP_ESTABLISHED && isIdle(connection, expires - now, settings.at(0).sctpTimeouts[SCTP_ESTABLISHED]);
  }
  if (connection.protocol !== IPPROTO_TCP) return isIdle(connection, expires - now, settings.at(0).udpTimeout);
  if (state === TCP_SYN_RECV || state === TCP_SYNACK) return true;
  return state === TCP_ESTABLISHED && isIdle(connection, expires - now, settings.at(0).tcpTimeouts[TCP_ESTABLISHED]);
}

/** todrop_entry(): few packets came, none of late; of those with n packets one in n. */
function isIdle(connection: Connection, ticksLeft: u32, timeout: u32): boolean {
  if (ticksLeft + IDLE_TICKS > timeout) return false;
  const packets = connection.packetsIn;
  if (packets === 0 || packets > FIRST_PACKETS) return false;
  const defense = defenses.at(0);
  const counter: i32 = defense.idleCounters[packets] - 1;
  defense.idleCounters[packets] = counter > 0 ? counter : I32(packets);
  return counter <= 0;
}
