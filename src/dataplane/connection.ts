// The connection table: one entry for both directions, found by the client's end of the connection (as in Linux v6.12
// net/netfilter/ipvs/ip_vs_conn.c, ip_vs_conn_hashkey_conn()), so that a request and its answer meet in one place.
//
// Set-associative, in two arrays. A bucket is one cache line that says what stands in its eight slots:
//
//   buckets[b]      tags ×8 (16 bits) │ expires ×8 (32 bits) │ overflow
//   connections     [8b] [8b+1] … [8b+7]                      64 bytes each
//
// A connection whose bucket is full stands in one of the next; each bucket that it passed counts it in `overflow`, so a
// search ends at the first bucket that nothing ever passed.
//
// A tag is FREE → CLAIMED → live → DYING → FREE. Only a compare-and-swap claims; the claimer fills the entry, and the
// exchange to the live tag (a full barrier) publishes it: who finds a live tag finds a whole entry. Only the expiry's walk
// (expiry.ts) lets a connection die, and a tick passes before the slot is free again: no packet is on its way that long,
// so none that found the old connection can meet a new one in its place.

import type { Be16, u32, u64 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { atomicAdd, compareExchange, fetchAdd, fetchXor, likely, make } from "#prelude/intrinsics.js";
import { Address, ipv4Of } from "#wire/address.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { isSame } from "./address.js";
import { hasPassed } from "./clock.js";
import { ENGINE, FAMILY, IPV6 } from "./config.js";
import { forgetControlled } from "./dialogue.js";
import type { Connection } from "./maps.js";
import { buckets, bucketWords, CONNECTION_METHOD_MASK, connectionWords, connections, METHOD_MASQ, NO_TEMPLATE, settings, SLOTS_PER_BUCKET, TEMPLATE, templates } from "./maps.js";
import type { Flow } from "./flow.js";

export const TAG_FREE = 0;
export const TAG_CLAIMED = 1;
export const TAG_DYING = 2;
/** Live tags have this bit, and 15 bits of the hash. */
export const TAG_LIVE = 0x8000;

/** No connection; no room for one. */
export const NO_CONNECTION = 0xffffffff;

/**
 * Buckets that a search goes through at most. In a table a quarter full one connection in a thousand stands past its first
 * bucket, in one half full one in a hundred; sixteen keep one client's end that talks to 128 VIPs at once.
 */
export const PROBES_MAX = 16;

/** The client's end as one word, as it stands at the beginning of its entry. */
export function clientEnd(address: Address, port: Be16, protocol: IpProtocol): u64 {
  return addressWord(address) | (U64(port) << 32n) | (U64(protocol) << 48n);
}

/**
 * A template's: of a network of clients, and all their ports. `call`: what an engine read, else 0; in the place of the port it spreads a client's
 * templates over the table.
 */
export function templateEnd(network: Address, protocol: IpProtocol, call: u64): u64 {
  const end = addressWord(network) | (U64(protocol) << 48n) | (U64(TEMPLATE) << 56n);
  return ENGINE && call !== 0n ? end | (((call & 0xffffn) | 1n) << 32n) : end;
}

/** An address in 32 bits. Those of IPv6 are folded by a multiplication of each half: clients choose their lower halves. */
function addressWord(address: Address): u64 {
  if (FAMILY !== IPV6) return address.low;
  const seed = settings.at(0).hashSeed;
  return (((address.low ^ seed) * 0x9e3779b97f4a7c15n) ^ ((address.high + seed) * 0xd6e8feb86659fd93n)) >> 32n;
}

// Addresses of an entry: in its one line of IPv4, in its second of IPv6.

export function clientOf(connection: Connection): Address {
  if (FAMILY === IPV6) return connection.client;
  return make(Address, { low: U64(connection.clientAddress) });
}

export function virtualOf(connection: Connection): Address {
  if (FAMILY === IPV6) return connection.virtual;
  return make(Address, { low: U64(connection.virtualAddress) });
}

export function serverOf(connection: Connection): Address {
  if (FAMILY === IPV6) return connection.server;
  return make(Address, { low: U64(connection.destinationAddress) });
}

/** Writes all three addresses of a claimed entry, and its first word: `end` as clientEnd() or templateEnd() gives it. */
export function setAddresses(index: u32, end: u64, client: Address, virtual: Address, server: Address): void {
  const connection = connections.at(index);
  connectionWords.at(index).client = end;
  if (FAMILY === IPV6) {
    connection.client = client;
    connection.virtual = virtual;
    connection.server = server;
  } else {
    connection.virtualAddress = ipv4Of(virtual);
    connection.destinationAddress = ipv4Of(server);
  }
}

/** 64 mixed bits. Two multiplications: with one, sequential addresses and ports filled some buckets. */
export function hashOf(client: u64): u64 {
  let mixed = client ^ settings.at(0).hashSeed;
  mixed *= 0x9e3779b97f4a7c15n;
  mixed ^= mixed >> 32n;
  mixed *= 0xd6e8feb86659fd93n;
  return mixed;
}
/** The bucket comes from the upper bits, the tag from the middle: the lowest bits of a product are weak. */
export function bucketOf(hash: u64): u32 {
  return U32(hash >> 40n);
}
export function tagOf(hash: u64): u32 {
  return TAG_LIVE | (U32(hash >> 24n) & 0x7fff);
}

/** The connection that a client's packet belongs to: its place in `connections`, or NO_CONNECTION. */
export function findByClient(flow: Flow, now: u32): u32 {
  return find(flow, clientEnd(flow.source, flow.sourcePort, flow.protocol), CLIENT, now);
}

/** The connection that a real server's packet answers, by NAT. */
export function findByServer(flow: Flow, now: u32): u32 {
  return find(flow, clientEnd(flow.destination, flow.destinationPort, flow.protocol), SERVER_BY_NAT, now);
}

/** The same, and by DR and TUN the one that the VIP itself answers, where the director is the server's way to the client. */
export function findByAnswer(flow: Flow, now: u32): u32 {
  return find(flow, clientEnd(flow.destination, flow.destinationPort, flow.protocol), SERVER, now);
}

/** Whom a packet is from. */
const CLIENT = 0;
const SERVER_BY_NAT = 1;
const SERVER = 2;

function find(flow: Flow, client: u64, from: u32, now: u32): u32 {
  const hash = hashOf(client);
  const pattern = U64(tagOf(hash)) * EVERY_LANE;
  let at = bucketOf(hash);
  for (let probe = 0; probe < PROBES_MAX; probe++) {
    const words = bucketWords.at(at);
    let lanes = mergeLanes(lanesWith(words.low, pattern), lanesWith(words.high, pattern));
    for (let candidate = 0; candidate < CANDIDATES_MAX; candidate++) {
      if (lanes === 0n) break;
      const slot = slotOfLowest(lanes);
      const index = (at << 3) | slot;
      if (connectionWords.at(index).client === client && isOtherEnd(connections.at(index), flow, from) && !hasPassed(buckets.at(at).expires[slot], now)) return index;
      lanes &= lanes - 1n;
    }
    if (likely(buckets.at(at).overflow === 0)) return NO_CONNECTION;
    at += 1;
  }
  return NO_CONNECTION;
}

/** Where the client's end is right: whether the packet's other end is the VIP, or the real server that answers by NAT, or the VIP that one answers by. */
function isOtherEnd(connection: Connection, flow: Flow, from: u32): boolean {
  if (from === CLIENT) {
    return isSame(virtualOf(connection), flow.destination) && connection.virtualPort === flow.destinationPort
      && (FAMILY !== IPV6 || isSame(connection.client, flow.source));
  }
  // ip_vs_conn.c, ip_vs_conn_out_get().
  if (from === SERVER && (connection.flags & CONNECTION_METHOD_MASK) !== METHOD_MASQ) {
    return isSame(virtualOf(connection), flow.source) && connection.virtualPort === flow.sourcePort && (FAMILY !== IPV6 || isSame(connection.client, flow.destination));
  }
  return isSame(serverOf(connection), flow.source) && connection.destinationPort === flow.sourcePort
    && (connection.flags & CONNECTION_METHOD_MASK) === METHOD_MASQ && (FAMILY !== IPV6 || isSame(connection.client, flow.destination));
}

/** The template of that network of clients and service; past its time it is none, unless connections of it still stand (expiry.ts). */
export function findTemplate(network: Address, protocol: IpProtocol, virtual: Address, port: Be16, call: u64, now: u32): u32 {
  return findEntry(templateEnd(network, protocol, call), network, virtual, port, true, call, now);
}

/** The entry with that first word, of that VIP and port. */
export function findEntry(end: u64, client: Address, virtual: Address, port: Be16, isTemplate: boolean, call: u64, now: u32): u32 {
  const hash = hashOf(end);
  const pattern = U64(tagOf(hash)) * EVERY_LANE;
  let at = bucketOf(hash);
  for (let probe = 0; probe < PROBES_MAX; probe++) {
    const words = bucketWords.at(at);
    let lanes = mergeLanes(lanesWith(words.low, pattern), lanesWith(words.high, pattern));
    for (let candidate = 0; candidate < CANDIDATES_MAX; candidate++) {
      if (lanes === 0n) break;
      const slot = slotOfLowest(lanes);
      const index = (at << 3) | slot;
      const connection = connections.at(index);
      if (connectionWords.at(index).client === end && isSame(virtualOf(connection), virtual) && connection.virtualPort === port
        && (FAMILY !== IPV6 || isSame(connection.client, client)) && (!ENGINE || !isTemplate || templates.at(index).call === call)
        && (!hasPassed(buckets.at(at).expires[slot], now) || (isTemplate && templates.at(index).controlled !== 0))) return index;
      lanes &= lanes - 1n;
    }
    if (likely(buckets.at(at).overflow === 0)) return NO_CONNECTION;
    at += 1;
  }
  return NO_CONNECTION;
}

/** Claims a slot for a new connection whose client's end hashes so: its place, or NO_CONNECTION when there is no room. */
export function claim(hash: u64): u32 {
  let at = bucketOf(hash);
  for (let probe = 0; probe < PROBES_MAX; probe++) {
    const slot = claimIn(at);
    if (likely(slot < SLOTS_PER_BUCKET)) {
      connections.at((at << 3) | slot).displacement = probe;
      return (at << 3) | slot;
    }
    atomicAdd(buckets.at(at), "overflow", 1);
    at += 1;
  }
  forgetOverflow(at, PROBES_MAX);
  return NO_CONNECTION;
}

/** The claimed slot of a bucket, or SLOTS_PER_BUCKET when all are taken. Tries again when another processor was faster. */
function claimIn(at: u32): u32 {
  const words = bucketWords.at(at);
  for (let attempt = 0; attempt < 3; attempt++) {
    const low = words.low;
    const freeLow = lanesWith(low, 0n);
    if (freeLow !== 0n) {
      const lane = slotOfLowest(freeLow);
      if (compareExchange(words, "low", low, low | (U64(TAG_CLAIMED) << U64(lane << 4))) === low) return lane;
    } else {
      const high = words.high;
      const freeHigh = lanesWith(high, 0n);
      if (freeHigh === 0n) return SLOTS_PER_BUCKET;
      const lane = slotOfLowest(freeHigh);
      if (compareExchange(words, "high", high, high | (U64(TAG_CLAIMED) << U64(lane << 4))) === high) return lane + 4;
    }
  }
  return SLOTS_PER_BUCKET;
}

// Eight tags are compared at once, as two words of four 16-bit lanes. The slot is then computed, not branched upon: the
// verifier would follow each of eight branches, and of those sixteen times over, through the rest of the program.

const EVERY_LANE = 0x0001_0001_0001_0001n;
const LANE_BELOW_TOP = 0x7fff_7fff_7fff_7fffn;
/** One more than can match: a loop of eight would be unrolled. */
const CANDIDATES_MAX = SLOTS_PER_BUCKET + 1;

/** The highest bit of every lane of `tags` that is as in `pattern`: the sum carries into it from any other bit, and from no other lane. */
function lanesWith(tags: u64, pattern: u64): u64 {
  const difference = tags ^ pattern;
  return ~(((difference & LANE_BELOW_TOP) + LANE_BELOW_TOP) | difference | LANE_BELOW_TOP);
}

/** Slots 0…3 as bits 15, 31, 47, 63 and slots 4…7 three bits below each. */
function mergeLanes(low: u64, high: u64): u64 {
  return low | (high >> 3n);
}

/** The slot of the lowest bit that mergeLanes() or lanesWith() has set: the product's upper three bits. */
function slotOfLowest(lanes: u64): u32 {
  return U32((((lanes & (0n - lanes)) >> 12n) * SLOT_BY_BIT) >> 61n);
}
// A bit p places up moves the three bits of its slot, 61 - p in here, to the top.
const SLOT_BY_BIT = (4n << 61n) | (0n << 58n) | (5n << 45n) | (1n << 42n) | (6n << 29n) | (2n << 26n) | (7n << 13n) | (3n << 10n);

/** Makes a claimed and filled entry findable. */
export function publish(index: u32, hash: u64): void {
  changeTag(index, TAG_CLAIMED, tagOf(hash));
}

/** From one tag to another, by whoever owns the slot in its present state. */
export function changeTag(index: u32, from: u32, to: u32): void {
  const words = bucketWords.at(index >>> 3);
  const difference = U64(from ^ to) << U64((index & 3) << 4);
  if ((index & 4) === 0) fetchXor(words, "low", difference);
  else fetchXor(words, "high", difference);
}

/** Of a connection that is no more: takes its count off the buckets that it had passed, up to `at`. */
export function forgetOverflow(at: u32, displacement: u32): void {
  for (let back = 1; back <= PROBES_MAX; back++) {
    if (back > displacement) break;
    atomicAdd(buckets.at(at - back), "overflow", 0xffffffff);
  }
}

/** A connection more that a template stands for: the template, or NO_TEMPLATE when the expiry's walk is just ending it. */
export function hold(template: u32): u32 {
  const held = templates.at(template);
  // A full barrier, as the walk's change of the tag is: one of the two sees the other's (expiry.ts, clear()).
  fetchAdd(held, "controlled", 1);
  if (buckets.at(template >>> 3).tags[template & 7] >= TAG_LIVE) return template;
  atomicAdd(held, "controlled", 0xffffffff);
  return NO_TEMPLATE;
}

/** One connection less of a template's, or of the one that announced it. */
export function letGo(controller: u32): void {
  if (controller === NO_TEMPLATE) return;
  if (connections.at(controller).kind === TEMPLATE) atomicAdd(templates.at(controller), "controlled", 0xffffffff);
  else forgetControlled(controller);
}

/** Starts its idle time anew. Written only when it differs: within a tick, packets leave the line clean. */
export function touch(index: u32, timeout: u32, now: u32): void {
  const bucket = buckets.at(index >>> 3);
  const expires = now + timeout;
  if (bucket.expires[index & 7] !== expires) bucket.expires[index & 7] = expires;
}

/** Ends it for every packet from now on; the expiry's walk clears it away. */
export function endNow(index: u32, now: u32): void {
  buckets.at(index >>> 3).expires[index & 7] = now;
}
