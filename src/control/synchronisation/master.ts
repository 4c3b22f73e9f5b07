// The master daemon's part in the table: it looks at the table a few times a second, in place, and tells of what has changed. Linux v6.12
// net/netfilter/ipvs/ip_vs_sync.c, ip_vs_sync_conn_needed(), decides packet by packet; here no packet waits for it.
//
// LVS differs: a connection's packets are not counted beyond its first eight. Up to those sync_threshold's first number is followed; its
// second, the period in packets, becomes one in time: half of the connection's timeout, or ten seconds.
//
// A look reads the buckets' lines (tags and times), and an entry only where its time is another than at the last look, or was at that: each
// packet moves the time, but two in one tick move it once.

import { TAG_LIVE } from "#dataplane/connection.js";
import * as maps from "#dataplane/maps.js";
import { SCTP_CLOSED, SCTP_ESTABLISHED, SCTP_SHUTDOWN_ACK_SENT, SCTP_SHUTDOWN_RECEIVED, SCTP_SHUTDOWN_SENT } from "#dataplane/protocols/sctp.js";
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_FIN_WAIT, TCP_TIME_WAIT } from "#dataplane/protocols/tcp.js";
import { decode, encode } from "#layout/codec.js";
import type { Be16 } from "#layout/numbers.js";
import type { Sysctls } from "#model/sysctls.js";
import { SYNC_SEQUENCES_OUT } from "#wire/ip-vs-sync.js";
import { IPPROTO_SCTP, IPPROTO_TCP } from "#wire/ipv4.js";
import { secondsToTicks, ticksToSeconds } from "../encode.js";
import { Rows } from "../rows.js";
import type { HashAccess, Store } from "../store.js";
import type { SyncConnection, SyncShift } from "./message.js";

const bits = (states: readonly number[]): number => states.reduce((sum, state) => sum | (1 << state), 0);
/** States in which a connection is told of. */
const TCP_STATES = bits([TCP_ESTABLISHED, TCP_FIN_WAIT, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_TIME_WAIT]);
const SCTP_STATES = bits([SCTP_ESTABLISHED, SCTP_SHUTDOWN_SENT, SCTP_SHUTDOWN_RECEIVED, SCTP_SHUTDOWN_ACK_SENT, SCTP_CLOSED]);
const REPEAT_SECONDS_MIN = 10;

// What is remembered of a slot, in one word: its tag, the state that was told and how often that was repeated.
const TAG_BITS = 0xffff;
const STATE_SHIFT = 16;
const STATE_BITS = 0xf << STATE_SHIFT;
const RETRIES_SHIFT = 20;
const RETRIES_BITS = 0x3 << RETRIES_SHIFT;
/** As many as sync_retries can ask for. */
const RETRIES_MAX = 3;
/** It was told, or another director told it. */
const TOLD = 1 << 24;
/** Its time has not moved between two looks. */
const SETTLED = 1 << 25;
/** A template with connections: it is looked at when its time in `due` has come, too. */
const DUE = 1 << 26;
/** Another director's last word about it that was seen: CONNECTION_TOLD_ROUND_MASK. */
const ROUND_SHIFT = 27;
const ROUND_BITS = 0x7 << ROUND_SHIFT;

const BUCKET_TAGS = maps.Bucket.size / 2;
const BUCKET_WORDS = maps.Bucket.size / 4;
/** In words from a bucket's beginning. */
const EXPIRES_AT = 4;

/** By which of the ports a connection is told: always the same one, so that nothing overtakes what was told before. By the bucket, as most have all in their first slots. */
export const threadOf = (place: number, ports: number): number => (Math.floor(place / maps.SLOTS_PER_BUCKET) + place) % ports;

type Row = ReturnType<Rows<typeof maps.connections6.value>["read"]>;

export class Master {
  readonly #families: readonly Family[];

  constructor(readonly store: Store) {
    this.#families = [new Family(store, 4), new Family(store, 6)];
  }

  /** Tells of all that is to be told of now, each with its place in the table. */
  look(sysctls: Sysctls, tell: (connection: SyncConnection, place: number) => void): void {
    for (const family of this.#families) family.look(sysctls, tell);
  }
}

class Family {
  readonly #tags: Uint16Array;
  readonly #words: Uint32Array;
  /** Of IPv4, without what only IPv6 has. */
  readonly #connections: Rows<typeof maps.connections6.value>;
  readonly #templates: Rows<typeof maps.templates6.value>;
  readonly #destinations: Rows<typeof maps.destinations.value>;
  readonly #settings: Rows<typeof maps.settings.value>;
  readonly #calls: HashAccess;
  readonly #dialogues: HashAccess;
  /** By place: what was told last of how an application's sequence numbers grow, where they do. */
  readonly #growths = new Map<number, string>();
  // By slot. The kernel gives memory to those that are written.
  readonly #known: Uint32Array;
  /** Its time at the last look; when it was told last; when it is to be looked at again. In ticks. */
  readonly #seen: Uint32Array;
  readonly #told: Uint32Array;
  readonly #due: Uint32Array;

  constructor(readonly store: Store, readonly family: 4 | 6) {
    const bytes = store.table(family === 6 ? maps.buckets6 : maps.buckets4);
    this.#tags = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.#connections = (family === 6 ? new Rows(store, maps.connections6) : new Rows(store, maps.connections4)) as Rows<typeof maps.connections6.value>;
    this.#templates = (family === 6 ? new Rows(store, maps.templates6) : new Rows(store, maps.templates4)) as Rows<typeof maps.templates6.value>;
    this.#destinations = new Rows(store, maps.destinations);
    this.#settings = new Rows(store, maps.settings);
    this.#calls = store.hash(maps.calls);
    this.#dialogues = store.hash(maps.dialogues);
    const slots = (bytes.length / maps.Bucket.size) * maps.SLOTS_PER_BUCKET;
    [this.#known, this.#seen, this.#told, this.#due] = [new Uint32Array(slots), new Uint32Array(slots), new Uint32Array(slots), new Uint32Array(slots)];
  }

  look(sysctls: Sysctls, tell: (connection: SyncConnection, place: number) => void): void {
    const now = this.store.now();
    const timeouts = this.#settings.read(0);
    const [words, tags] = [this.#words, this.#tags];
    for (let word = 0, bucket = 0; word < words.length; word += BUCKET_WORDS, bucket++) {
      if ((words[word]! | words[word + 1]! | words[word + 2]! | words[word + 3]!) === 0) continue;
      for (let slot = 0; slot < maps.SLOTS_PER_BUCKET; slot++) {
        const tag = tags[bucket * BUCKET_TAGS + slot]!;
        if (tag < TAG_LIVE) continue;
        const place = bucket * maps.SLOTS_PER_BUCKET + slot;
        const expires = words[word + EXPIRES_AT + slot]!;
        if (!this.#isToBeRead(place, tag, expires, now)) continue;
        const timeout = this.#needs(place, tag, expires, now, timeouts, sysctls);
        if (timeout !== undefined) tell(this.#describe(place, timeout), place);
      }
    }
  }

  /** By what buckets say alone. */
  #isToBeRead(place: number, tag: number, expires: number, now: number): boolean {
    const known = this.#known[place]!;
    const isSame = this.#seen[place] === expires && (known & TAG_BITS) === tag;
    this.#seen[place] = expires;
    if (!isSame) {
      this.#known[place] = (known & TAG_BITS) === tag ? known & ~SETTLED : tag;
      return true;
    }
    if ((known & DUE) !== 0 && isPast(this.#due[place]!, now)) return true;
    this.#known[place] = known | SETTLED;
    return (known & SETTLED) === 0;
  }

  /** Whether it is to be told of now, and then its timeout in ticks: ip_vs_sync_conn_needed(). */
  #needs(place: number, tag: number, expires: number, now: number, timeouts: Timeouts, sysctls: Sysctls): number | undefined {
    const connection = this.#connections.pick(place, "kind", "protocol", "state", "flags", "packetsIn", "template");
    const { kind, protocol, state, flags } = connection;
    const isTemplate = kind === maps.TEMPLATE;
    if (!isTemplate && (kind !== 0 || isPast(expires, now) || (flags & maps.CONNECTION_ONE_PACKET) !== 0)) return undefined;
    const timeout = isTemplate ? this.#templates.number(place, "timeout") : timeoutOf(protocol, state, timeouts);
    if (isTemplate) this.#noteTemplate(place, timeout, now, sysctls);
    else if (sysctls.sync_persist_mode !== 0 && this.#isPersistent(connection.template)) return undefined;
    if (!isTemplate && !isToldIn(protocol, state)) return undefined;
    // Where another director told it, nobody is to be told what that knows, nor told so again because this one knows it.
    const isNews = (this.#known[place]! & TOLD) === 0 || knownRound(this.#known[place]!) !== toldRound(flags);
    if ((flags & maps.CONNECTION_TOLD) !== 0 && toldState(flags) === state && isNews) {
      this.#note(place, tag, state, expires, RETRIES_MAX, flags, now, sysctls);
      return undefined;
    }
    const isShifted = this.#isShifted(place, flags);
    const retries = isShifted ? 0 : this.#repeats({ ...connection, isTemplate }, place, expires, now, timeout, sysctls);
    if (retries === undefined) return undefined;
    this.#note(place, tag, state, expires, retries, flags, now, sysctls);
    return timeout;
  }

  /** Undefined: it is not to be told of; else how often it was repeated by then. */
  #repeats({ isTemplate, protocol, state, flags, packetsIn }: Pick<Row, "protocol" | "state" | "flags" | "packetsIn"> & { readonly isTemplate: boolean }, place: number, expires: number, now: number, timeout: number, sysctls: Sysctls): number | undefined {
    const known = this.#known[place]!;
    const wasTold = (known & TOLD) !== 0 && !isPast(this.#told[place]!, now);
    const isChanged = !wasTold || knownState(known) !== state;
    if (isChanged && !isTemplate && isEnding(protocol, state)) return 0;
    const [threshold, period] = sysctls.sync_threshold;
    const moved = Math.abs((expires - this.#told[place]!) | 0);
    const repeatAfter = Math.max(timeout / 2, secondsToTicks(REPEAT_SECONDS_MIN));
    if (wasTold && sysctls.sync_refresh_period > 0) {
      const refresh = secondsToTicks(sysctls.sync_refresh_period);
      if (moved < Math.min(refresh, repeatAfter)) {
        const retries = (known & RETRIES_BITS) >> RETRIES_SHIFT;
        return retries < sysctls.sync_retries && isPast(this.#told[place]! - timeout + refresh / 8, now) ? retries + 1 : undefined;
      }
      return 0;
    }
    if (!isTemplate && !wasTold && (flags & maps.CONNECTION_YOUNG) !== 0 && packetsIn < Math.min(threshold, maps.FIRST_PACKETS)) return undefined;
    if (isChanged) return 0;
    if (period === 0) return undefined;
    if (isTemplate) return moved !== 0 || ((known & DUE) !== 0 && isPast(this.#due[place]!, now)) ? 0 : undefined;
    return moved >= repeatAfter ? 0 : undefined;
  }

  /** One with connections is told of though none begins: where those go on, their next ones find it. */
  #noteTemplate(place: number, timeout: number, now: number, { sync_refresh_period: refresh }: Sysctls): void {
    if (this.#templates.number(place, "controlled") === 0) return void (this.#known[place]! &= ~DUE);
    if ((this.#known[place]! & DUE) !== 0) return;
    this.#due[place] = dueAfter(now, timeout, refresh);
    this.#known[place]! |= DUE;
  }

  #note(place: number, tag: number, state: number, expires: number, retries: number, flags: number, now: number, { sync_refresh_period: refresh }: Sysctls): void {
    const before = this.#known[place]!;
    this.#noteGrowth(place, flags);
    this.#told[place] = expires;
    this.#known[place] = tag | ((state << STATE_SHIFT) & STATE_BITS) | (retries << RETRIES_SHIFT) | (toldRound(flags) << ROUND_SHIFT) | TOLD | (before & (SETTLED | DUE));
    if ((before & DUE) !== 0) this.#due[place] = dueAfter(now, this.#templates.number(place, "timeout"), refresh);
  }

  /** An answer of an application's changed its length since its connection was told of: who goes on with that has to know, and cannot wait for the next period. */
  #isShifted(place: number, flags: number): boolean {
    return (flags & maps.CONNECTION_APPLICATION) !== 0 && (this.#known[place]! & TOLD) !== 0 && nameOf(this.#growthOf(place)) !== this.#growths.get(place);
  }

  #noteGrowth(place: number, flags: number): void {
    const growth = (flags & maps.CONNECTION_APPLICATION) === 0 ? undefined : nameOf(this.#growthOf(place));
    if (growth === undefined) this.#growths.delete(place);
    else this.#growths.set(place, growth);
  }

  /** Undefined: nothing is shifted. */
  #growthOf(place: number): SyncShift | undefined {
    const bytes = this.#dialogues.lookup(encode(maps.Place, { connection: place, family: this.family }));
    if (bytes === undefined) return undefined;
    const { correctedAt, growthBefore, growthAfter } = decode(maps.Dialogue, bytes);
    return growthBefore === 0 && growthAfter === 0 ? undefined : { initial: correctedAt, delta: growthAfter, previousDelta: growthBefore };
  }

  /** ip_vs_sync.c, in_persistence() */
  #isPersistent(controller: number): boolean {
    return controller !== maps.NO_TEMPLATE && this.#connections.number(controller % this.#connections.length, "kind") === maps.TEMPLATE;
  }

  #describe(place: number, timeout: number): SyncConnection {
    const row = this.#connections.read(place);
    const { protocol, state, flags, clientPort, virtualPort, destinationPort, kind, destination } = row;
    const out = (flags & maps.CONNECTION_APPLICATION) === 0 ? undefined : this.#growthOf(place);
    return {
      family: this.family, protocol, flags: (flags & LVS_FLAGS) | (out === undefined ? 0 : SYNC_SEQUENCES_OUT), state,
      clientPort: kind === maps.TEMPLATE ? (0 as Be16) : clientPort, virtualPort, serverPort: destinationPort,
      ...(this.family === 6 ? { client: row.client, virtual: row.virtual, server: row.server } : {
        client: { high: 0n, low: BigInt(row.clientAddress) }, virtual: { high: 0n, low: BigInt(row.virtualAddress) }, server: { high: 0n, low: BigInt(row.destinationAddress) },
      }),
      mark: this.#destinations.number(destination % this.#destinations.length, "virtualMark"), timeoutSeconds: Math.round(ticksToSeconds(timeout)), ...this.#engineOf(flags, place),
      ...(out === undefined ? {} : { sequences: { in: NO_SHIFT, out } }),
    };
  }

  #engineOf(flags: number, place: number): Pick<SyncConnection, "engine"> {
    if ((flags & maps.CONNECTION_CALL) === 0) return {};
    const bytes = this.#calls.lookup(encode(maps.Place, { connection: place, family: this.family }));
    if (bytes === undefined) return {};
    const { text, length } = decode(maps.Call, bytes);
    return { engine: { name: "sip", data: Uint8Array.from(text.slice(0, length)) } };
  }
}

type Timeouts = Pick<ReturnType<Rows<typeof maps.settings.value>["read"]>, "tcpTimeouts" | "sctpTimeouts" | "udpTimeout">;

const NO_SHIFT: SyncShift = { initial: 0, delta: 0, previousDelta: 0 };
const nameOf = (shift: SyncShift | undefined): string | undefined => (shift === undefined ? undefined : `${shift.initial} ${shift.delta} ${shift.previousDelta}`);

/** weir's own flags are not LVS's. */
const LVS_FLAGS = 0xffff;

/** As dataplane/clock.ts, hasPassed(). */
const isPast = (time: number, now: number): boolean => ((now - time) | 0) >= 0;

const knownState = (known: number): number => (known & STATE_BITS) >>> STATE_SHIFT;
const knownRound = (known: number): number => (known & ROUND_BITS) >>> ROUND_SHIFT;
const toldRound = (flags: number): number => (flags & maps.CONNECTION_TOLD_ROUND_MASK) >>> maps.CONNECTION_TOLD_ROUND_SHIFT;
const toldState = (flags: number): number => (flags & maps.CONNECTION_TOLD_STATE_MASK) >>> maps.CONNECTION_TOLD_STATE_SHIFT;

function timeoutOf(protocol: number, state: number, { tcpTimeouts, sctpTimeouts, udpTimeout }: Timeouts): number {
  return (protocol === IPPROTO_TCP ? tcpTimeouts[state] : protocol === IPPROTO_SCTP ? sctpTimeouts[state] : udpTimeout) ?? udpTimeout;
}

function isToldIn(protocol: number, state: number): boolean {
  return protocol === IPPROTO_TCP ? ((TCP_STATES >>> state) & 1) !== 0 : protocol !== IPPROTO_SCTP || ((SCTP_STATES >>> state) & 1) !== 0;
}

/** States that are told of as soon as a connection comes to them. */
function isEnding(protocol: number, state: number): boolean {
  return protocol === IPPROTO_TCP ? state !== TCP_ESTABLISHED : protocol === IPPROTO_SCTP && state !== SCTP_ESTABLISHED;
}

function dueAfter(now: number, timeout: number, refreshSeconds: number): number {
  const half = Math.max(timeout / 2, secondsToTicks(REPEAT_SECONDS_MIN));
  return (now + (refreshSeconds > 0 ? Math.min(half, secondsToTicks(refreshSeconds)) : half)) >>> 0;
}
