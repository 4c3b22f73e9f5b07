// The backup daemon's part in the table: what messages tell of connections goes to the data plane (dataplane/synchronised.ts),
// with the destination that they have here. Linux v6.12 net/netfilter/ipvs/ip_vs_sync.c, ip_vs_proc_sync_conn(), ip_vs_proc_conn().

import { encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import * as maps from "#dataplane/maps.js";
import { NO_DESTINATION } from "#dataplane/member.js";
import { TCP_SYNACK } from "#dataplane/protocols/tcp.js";
import { SCTP_CLOSED } from "#dataplane/protocols/sctp.js";
import { SYNC_SEQUENCES_OUT } from "#wire/ip-vs-sync.js";
import { IPPROTO_AH, IPPROTO_ESP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";
import { secondsToTicks } from "../encode.js";
import { Rows } from "../rows.js";
import type { HashAccess, Store } from "../store.js";
import { Bindings } from "./bindings.js";
import type { SyncConnection } from "./message.js";
import { readSyncMessage } from "./message.js";

/** Of a template of which no time is told, in seconds: ip_vs_proc_conn(). */
const TEMPLATE_TIMEOUT_SECONDS = 3 * 60;
/** Ticks are compared across half their range (dataplane/clock.ts); longer than any timeout that can be set. */
const TIMEOUT_SECONDS_MAX = 2 ** 26;
/** Connections without a destination that are kept until one comes. Of more, the oldest are forgotten. */
const UNBOUND_MAX = 2 ** 16;

/** States of each protocol: ip_vs_protocol.num_states. */
const STATES: ReadonlyMap<number, number> = new Map([[IPPROTO_TCP, TCP_SYNACK + 1], [IPPROTO_UDP, 1], [IPPROTO_SCTP, SCTP_CLOSED + 1], [IPPROTO_AH, 1], [IPPROTO_ESP, 1]]);

/** How many connections had each fate since the daemon began. */
export interface BackupCounts {
  messages: number;
  entered: number;
  renewed: number;
  /** Replaced by newer ones before the word came. */
  outdated: number;
  /** Kept until they have a destination here. */
  unbound: number;
  tableFull: number;
  /** Messages and records that could not be read. */
  malformed: number;
}

interface Unbound {
  readonly connection: SyncConnection;
  /** In ticks. */
  readonly until: number;
}

export class Backup {
  readonly counts: BackupCounts = { messages: 0, entered: 0, renewed: 0, outdated: 0, unbound: 0, tableFull: 0, malformed: 0 };
  readonly #bindings: Bindings;
  readonly #tolds: Rows<typeof maps.tolds.value>;
  readonly #settings: Rows<typeof maps.settings.value>;
  readonly #sysctls: Rows<typeof maps.sysctls.value>;
  readonly #calls: HashAccess;
  readonly #slots: { readonly [family in 4 | 6]: number };
  readonly #unbound = new Map<string, Unbound>();

  /** `enter`: runs the program of that family once. */
  constructor(readonly store: Store, readonly syncId: number, readonly enter: (family: 4 | 6) => void) {
    this.#bindings = new Bindings(store);
    this.#tolds = new Rows(store, maps.tolds);
    this.#settings = new Rows(store, maps.settings);
    this.#sysctls = new Rows(store, maps.sysctls);
    this.#calls = store.hash(maps.calls);
    const slots = (buckets: typeof maps.buckets4) => (store.table(buckets).length / maps.Bucket.size) * maps.SLOTS_PER_BUCKET;
    this.#slots = { 4: slots(maps.buckets4), 6: slots(maps.buckets6) };
  }

  /** One datagram. What it says wrong is passed over and counted, as ip_vs_process_message() does. */
  take(bytes: Uint8Array): void {
    const message = readSyncMessage(bytes, this.syncId);
    if (message === undefined) return;
    this.counts.messages++;
    this.counts.malformed += message.problems.length;
    this.bind();
    this.#enterAll(message.connections.filter((connection) => this.#isKnown(connection)));
  }

  /** ip_vs_try_bind_dest(): those that had no destination, if the configuration is another by now. */
  bind(): void {
    if (!this.#bindings.refresh() || this.#unbound.size === 0) return;
    const now = this.store.now();
    const waiting = [...this.#unbound.values()].filter(({ until }) => ((until - now) | 0) > 0).map(({ connection }) => connection);
    this.#unbound.clear();
    for (let at = 0; at < waiting.length; at += maps.TOLD_MAX) this.#enterAll(waiting.slice(at, at + maps.TOLD_MAX));
  }

  #isKnown({ protocol, state, flags }: SyncConnection): boolean {
    const isGood = isTemplate(flags) || state < (STATES.get(protocol) ?? 0);
    if (!isGood) this.counts.malformed++;
    return isGood;
  }

  /** At most TOLD_MAX of them. */
  #enterAll(connections: readonly SyncConnection[]): void {
    if (connections.length === 0) return;
    connections.forEach((connection, i) => this.#tolds.write(i, this.#describe(connection)));
    this.#tolds.write(connections.length, { family: 0 });
    for (const family of [4, 6] as const) if (connections.some((connection) => connection.family === family)) this.enter(family);
    connections.forEach((connection, i) => this.#note(connection, i));
  }

  #describe(connection: SyncConnection): Partial<Parameters<Rows<typeof maps.tolds.value>["write"]>[1]> {
    const { family, protocol, client, clientPort, virtual, virtualPort, server, serverPort, state, flags, engine } = connection;
    return {
      family, protocol, client, clientPort, virtual, virtualPort, server, serverPort, state, flags, timeout: this.#timeoutOf(connection),
      destination: this.#bindings.find(connection) ?? NO_DESTINATION, packetsIn: this.#sysctls.read(0).sync_threshold[0]!, outcome: 0, entry: 0,
      call: engine === undefined ? 0n : callHash(this.#settings.bigint(0, "hashSeed"), engine.data), ...growthOf(connection),
    };
  }

  #timeoutOf({ timeoutSeconds, flags, protocol, state }: SyncConnection): number {
    if (timeoutSeconds !== 0) return secondsToTicks(Math.min(timeoutSeconds, TIMEOUT_SECONDS_MAX));
    if (isTemplate(flags)) return secondsToTicks(TEMPLATE_TIMEOUT_SECONDS);
    const { tcpTimeouts, sctpTimeouts, udpTimeout } = this.#settings.read(0);
    return (protocol === IPPROTO_TCP ? tcpTimeouts[state] : protocol === IPPROTO_SCTP ? sctpTimeouts[state] : udpTimeout) ?? udpTimeout;
  }

  #note(connection: SyncConnection, place: number): void {
    const { outcome, entry } = this.#tolds.pick(place, "outcome", "entry");
    const fate = FATES.get(outcome);
    if (fate === undefined) return;
    this.counts[fate]++;
    if (fate === "unbound") this.#keep(connection);
    if (fate === "entered" && connection.engine !== undefined) this.#noteCall(connection.family, entry, connection.engine.data);
  }

  #keep(connection: SyncConnection): void {
    const { family, protocol, client, clientPort, virtual, virtualPort } = connection;
    const name = [family, protocol, client.high, client.low, clientPort, virtual.high, virtual.low, virtualPort].join(" ");
    this.#unbound.delete(name);
    this.#unbound.set(name, { connection, until: this.store.now() + this.#timeoutOf(connection) });
    if (this.#unbound.size > UNBOUND_MAX) this.#unbound.delete(this.#unbound.keys().next().value!);
  }

  /** For those who list connections. */
  #noteCall(family: 4 | 6, entry: number, data: Uint8Array): void {
    const text = new Uint8Array(maps.Call.size - 4);
    text.set(data);
    this.#calls.update(encode(maps.Place, { connection: entry % this.#slots[family], family }), encode(maps.Call, { text, length: data.length }));
  }
}

const FATES: ReadonlyMap<number, "entered" | "renewed" | "outdated" | "unbound" | "tableFull"> = new Map([
  [maps.TOLD_ENTERED, "entered"], [maps.TOLD_RENEWED, "renewed"], [maps.TOLD_OUTDATED, "outdated"], [maps.TOLD_UNBOUND, "unbound"], [maps.TOLD_TABLE_FULL, "tableFull"],
]);

const isTemplate = (flags: number): boolean => (flags & maps.CONNECTION_TEMPLATE) !== 0;

/** Of the server's numbers. LVS differs: what it is told of a client's it shifts too; here no application changes what clients say. */
function growthOf({ flags, sequences }: SyncConnection): Pick<Values<typeof maps.Told>, "correctedAt" | "growthBefore" | "growthAfter"> {
  if ((flags & SYNC_SEQUENCES_OUT) === 0 || sequences === undefined) return { correctedAt: 0, growthBefore: 0, growthAfter: 0 };
  const { initial, delta, previousDelta } = sequences.out;
  return { correctedAt: initial, growthBefore: previousDelta, growthAfter: delta };
}

/** What the engine makes of a call's text: dataplane/engines/sip.ts, mix(). */
function callHash(seed: bigint, text: Uint8Array): bigint {
  let hash = seed;
  for (const byte of text) {
    const mixed = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x9e3779b97f4a7c15n);
    hash = mixed ^ (mixed >> 32n);
  }
  return hash;
}
