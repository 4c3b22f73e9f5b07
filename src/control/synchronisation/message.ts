// The messages of IPVS's sync daemons (wire/ip-vs-sync.ts), read and written as Linux v6.12 net/netfilter/ipvs/ip_vs_sync.c reads and
// writes them: bytes on one side, connections as one record tells them on the other.

import { decode, encodeInto } from "#layout/codec.js";
import type { Be16, Be32 } from "#layout/numbers.js";
import { be16, be32, host16, host32 } from "#layout/numbers.js";
import type { Values } from "#layout/struct.js";
import type { Address } from "#wire/address.js";
import type { IpProtocol } from "#wire/ipv4.js";
import {
  SYNC_ENGINE_DATA_MAX, SYNC_ENGINE_NAME_MAX, SYNC_OPTION_ENGINE_DATA, SYNC_OPTION_ENGINE_NAME, SYNC_OPTION_MAY_BE_UNKNOWN, SYNC_OPTION_SEQUENCES, SYNC_RECORDS_MAX,
  SYNC_SEQUENCES, SYNC_SIZE_MASK, SYNC_TYPE_IPV6, SYNC_VERSION_1, SYNC_VERSION_SHIFT, SyncHeader0, SyncHeader1, SyncRecord0, SyncRecord4, SyncRecord6, SyncSequence, SyncSequence0,
} from "#wire/ip-vs-sync.js";

/** A connection, or a template, as one record tells it. Addresses and ports as they stand on the wire. */
export interface SyncConnection {
  readonly family: 4 | 6;
  readonly protocol: IpProtocol;
  /** IP_VS_CONN_F_…; of version 0 the lower sixteen bits. */
  readonly flags: number;
  readonly state: number;
  readonly client: SyncAddress;
  readonly clientPort: Be16;
  readonly virtual: SyncAddress;
  readonly virtualPort: Be16;
  readonly server: SyncAddress;
  readonly serverPort: Be16;
  /** Its service's firewall mark, or 0. */
  readonly mark: number;
  /** 0: not told, as always by version 0. */
  readonly timeoutSeconds: number;
  /** Of packets from the client and from the server. `flags` say which of them hold. */
  readonly sequences?: SyncSequences;
  /** Of a template: by which persistence engine, and what that read. */
  readonly engine?: { readonly name: string; readonly data: Uint8Array };
}

/** ip_vs_sync_conn_options */
export interface SyncSequences {
  readonly in: SyncShift;
  readonly out: SyncShift;
}

/** What sequence numbers behind `initial` grow by, and what those up to it; a fall counts modulo 2^32. */
export type SyncShift = Values<typeof SyncSequence0>;

/** wire/address.ts */
export type SyncAddress = Pick<Address, "high" | "low">;

export interface SyncMessage {
  readonly connections: readonly SyncConnection[];
  /** What was passed over, in words; those that stood before it are good. */
  readonly problems: readonly string[];
}

/** A message for directors with that id, of which 0 takes all; undefined: it is for others, or none. ip_vs_process_message() */
export function readSyncMessage(bytes: Uint8Array, syncId: number): SyncMessage | undefined {
  if (bytes.length < SyncHeader0.size) return { connections: [], problems: ["it is shorter than a header"] };
  const header = decode(SyncHeader0, bytes);
  if (host16(header.size) !== bytes.length) return { connections: [], problems: [`it has ${bytes.length} bytes and says ${host16(header.size)}`] };
  if (syncId !== 0 && header.syncId !== syncId) return undefined;
  if (bytes.length >= SyncHeader1.size) {
    const { version, reserved, spare, records } = decode(SyncHeader1, bytes);
    if (version === SYNC_VERSION_1 && reserved === 0 && spare === be16(0)) return readRecords(bytes, records);
  }
  return readRecords0(bytes, header.records);
}

function readRecords(bytes: Uint8Array, count: number): SyncMessage {
  const connections: SyncConnection[] = [];
  const problems: string[] = [];
  let at = SyncHeader1.size;
  for (let i = 0; i < count; i++) {
    if (at + SyncRecord4.size > bytes.length) return { connections, problems: [...problems, `record ${i}: the message ends before it does`] };
    const versionAndSize = host16(decode(SyncRecord4, bytes, at).versionAndSize);
    const size = versionAndSize & SYNC_SIZE_MASK;
    if (at + size > bytes.length) return { connections, problems: [...problems, `record ${i}: the message ends before it does`] };
    if (versionAndSize >> SYNC_VERSION_SHIFT !== 0) return { connections, problems: [...problems, `record ${i}: version ${versionAndSize >> SYNC_VERSION_SHIFT} is not known`] };
    const read = readRecord(bytes.subarray(at, at + size), bytes, at);
    if (typeof read === "string") return { connections, problems: [...problems, `record ${i}: ${read}`] };
    if ("skipped" in read) problems.push(`record ${i}: ${read.skipped}`);
    else connections.push(read);
    at += (size + 3) & ~3;
  }
  return { connections, problems };
}

/** ip_vs_proc_sync_conn(): a connection; why it alone is passed over; or, a text, why nothing behind it can be read either. */
function readRecord(record: Uint8Array, bytes: Uint8Array, at: number): SyncConnection | { readonly skipped: string } | string {
  const { type } = decode(SyncRecord4, bytes, at);
  const isIpv6 = (type & SYNC_TYPE_IPV6) !== 0;
  if (!isIpv6 && type !== 0) return `type ${type} is not known`;
  const size = isIpv6 ? SyncRecord6.size : SyncRecord4.size;
  if (record.length < size) return `${record.length} bytes are too few`;
  const options = readOptions(record.subarray(size));
  if (typeof options === "string" || "skipped" in options) return options;
  return isIpv6 ? { family: 6, ...headOf(decode(SyncRecord6, record)), ...options } : { family: 4, ...headOf(ipv4Record(decode(SyncRecord4, record))), ...options };
}

type Head = Omit<Values<typeof SyncRecord6>, "type" | "versionAndSize">;

function ipv4Record(record: Values<typeof SyncRecord4>): Head {
  return { ...record, client: fromIpv4(record.client), virtual: fromIpv4(record.virtual), server: fromIpv4(record.server) };
}

function headOf({ protocol, flags, state, clientPort, virtualPort, serverPort, mark, timeoutSeconds, client, virtual, server }: Head): Omit<SyncConnection, "family"> {
  return {
    protocol, flags: host32(flags), state: host16(state), client, clientPort, virtual, virtualPort, server, serverPort,
    mark: host32(mark), timeoutSeconds: host32(timeoutSeconds),
  };
}

const fromIpv4 = (address: Be32): SyncAddress => ({ high: 0n, low: BigInt(address) });

function readOptions(bytes: Uint8Array): Pick<SyncConnection, "sequences" | "engine"> | { readonly skipped: string } | string {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) return "an option has no length";
    const [kind, length] = [bytes[at]!, bytes[at + 1]!];
    if (length === 0 || at + 2 + length > bytes.length) return `the length of option ${kind}, ${length}, is wrong`;
    const known = kind & ~SYNC_OPTION_MAY_BE_UNKNOWN;
    const lengthMax = LENGTHS_MAX.get(known);
    if (lengthMax === undefined) {
      if ((kind & SYNC_OPTION_MAY_BE_UNKNOWN) === 0) return { skipped: `option ${kind} is not known` };
    } else {
      if (known === SYNC_OPTION_SEQUENCES ? length !== lengthMax : length > lengthMax) return `the length of option ${kind}, ${length}, is wrong`;
      if (found.has(known)) return `option ${kind} stands twice`;
      found.set(known, bytes.slice(at + 2, at + 2 + length));
    }
    at += 2 + length;
  }
  return whatOptionsSay(found);
}

const LENGTHS_MAX: ReadonlyMap<number, number> = new Map([[SYNC_OPTION_SEQUENCES, 2 * SyncSequence.size], [SYNC_OPTION_ENGINE_DATA, SYNC_ENGINE_DATA_MAX], [SYNC_OPTION_ENGINE_NAME, SYNC_ENGINE_NAME_MAX]]);

/** ip_vs_conn_fill_param_sync(): data of an engine without its name say nothing. */
function whatOptionsSay(found: ReadonlyMap<number, Uint8Array>): Pick<SyncConnection, "sequences" | "engine"> | { readonly skipped: string } {
  const sequences = found.get(SYNC_OPTION_SEQUENCES);
  const data = found.get(SYNC_OPTION_ENGINE_DATA);
  const name = found.get(SYNC_OPTION_ENGINE_NAME);
  if (data !== undefined && name === undefined) return { skipped: "it has data of a persistence engine without a name" };
  return {
    ...(sequences === undefined ? {} : { sequences: { in: readShift(sequences, 0), out: readShift(sequences, SyncSequence.size) } }),
    ...(data === undefined ? {} : { engine: { name: new TextDecoder("latin1").decode(name).replace(/\0.*$/s, ""), data } }),
  };
}

/** ntoh_seq() */
function readShift(bytes: Uint8Array, at: number): SyncShift {
  const { initial, delta, previousDelta } = decode(SyncSequence, bytes, at);
  return { initial: host32(initial), delta: host32(delta), previousDelta: host32(previousDelta) };
}

/** ip_vs_process_message_v0() */
function readRecords0(bytes: Uint8Array, count: number): SyncMessage {
  const connections: SyncConnection[] = [];
  let at = SyncHeader0.size;
  for (let i = 0; i < count; i++) {
    if (at + SyncRecord0.size > bytes.length) return { connections, problems: [`record ${i}: the message ends before it does`] };
    const record = decode(SyncRecord0, bytes, at);
    at += SyncRecord0.size;
    const hasSequences = (host16(record.flags) & SYNC_SEQUENCES) !== 0;
    const sequencesAt = at;
    if (hasSequences) at += 2 * SyncSequence0.size;
    if (at > bytes.length) return { connections, problems: [`record ${i}: the message ends before it does`] };
    const { protocol, clientPort, virtualPort, serverPort } = record;
    connections.push({
      family: 4, protocol, flags: host16(record.flags), state: host16(record.state), client: fromIpv4(record.client), clientPort,
      virtual: fromIpv4(record.virtual), virtualPort, server: fromIpv4(record.server), serverPort, mark: 0, timeoutSeconds: 0,
      ...(hasSequences ? { sequences: { in: decode(SyncSequence0, bytes, sequencesAt), out: decode(SyncSequence0, bytes, sequencesAt + SyncSequence0.size) } } : {}),
    });
  }
  return { connections, problems: [] };
}

/** Records put together until a message is full. */
export class SyncMessageWriter {
  #bytes: Uint8Array;
  #size = 0;
  #records = 0;

  /** `lengthMax`: of a message, in bytes; a record alone may be longer. */
  constructor(readonly version: 0 | 1, readonly syncId: number, readonly lengthMax: number) {
    this.#bytes = new Uint8Array(Math.max(lengthMax, SINGLE_BYTES_MAX));
  }

  /** Gives the message that had no room for it, if that is so. Version 0 cannot tell of IPv6, and leaves it out. */
  add(connection: SyncConnection): Uint8Array | undefined {
    if (this.version === 0 && connection.family === 6) return undefined;
    const size = this.version === 0 ? record0Bytes(connection) : recordBytes(connection);
    const at = (this.#size + 3) & ~3;
    const full = this.#records > 0 && (at + size > this.lengthMax || this.#records === SYNC_RECORDS_MAX) ? this.finish() : undefined;
    if (this.#records === 0) this.#size = this.version === 0 ? SyncHeader0.size : SyncHeader1.size;
    const start = (this.#size + 3) & ~3;
    if (this.version === 0) writeRecord0(connection, this.#bytes, start);
    else writeRecord(connection, size, this.#bytes, start);
    this.#size = start + size;
    this.#records++;
    return full;
  }

  /** The message under way; undefined: there is none. */
  finish(): Uint8Array | undefined {
    if (this.#records === 0) return undefined;
    const { syncId } = this;
    const [records, size] = [this.#records, be16(this.#size)];
    if (this.version === 0) encodeInto(SyncHeader0, { records, syncId, size }, this.#bytes);
    else encodeInto(SyncHeader1, { reserved: 0, syncId, size, records, version: SYNC_VERSION_1, spare: be16(0) }, this.#bytes);
    const message = this.#bytes.slice(0, this.#size);
    this.#bytes.fill(0);
    this.#records = 0;
    this.#size = 0;
    return message;
  }
}

const SINGLE_BYTES_MAX = SyncHeader1.size + SyncRecord6.size + 3 * 2 + 2 * SyncSequence.size + SYNC_ENGINE_DATA_MAX + SYNC_ENGINE_NAME_MAX;

const record0Bytes = ({ sequences }: SyncConnection): number => SyncRecord0.size + (sequences === undefined ? 0 : 2 * SyncSequence0.size);

function recordBytes({ family, sequences, engine }: SyncConnection): number {
  return (family === 6 ? SyncRecord6.size : SyncRecord4.size) + (sequences === undefined ? 0 : 2 + 2 * SyncSequence.size)
    + (engine === undefined ? 0 : 2 + engine.data.length + 2 + engine.name.length);
}

function writeRecord(connection: SyncConnection, size: number, bytes: Uint8Array, at: number): void {
  const { family, client, virtual, server, sequences, engine } = connection;
  const head = {
    type: family === 6 ? SYNC_TYPE_IPV6 : 0, protocol: connection.protocol, versionAndSize: be16(size), flags: be32(connection.flags), state: be16(connection.state),
    clientPort: connection.clientPort, virtualPort: connection.virtualPort, serverPort: connection.serverPort, mark: be32(connection.mark), timeoutSeconds: be32(connection.timeoutSeconds),
  };
  if (family === 6) encodeInto(SyncRecord6, { ...head, client, virtual, server }, bytes, at);
  else encodeInto(SyncRecord4, { ...head, client: toIpv4(client), virtual: toIpv4(virtual), server: toIpv4(server) }, bytes, at);
  let next = at + (family === 6 ? SyncRecord6.size : SyncRecord4.size);
  if (sequences !== undefined) {
    bytes.set([SYNC_OPTION_SEQUENCES, 2 * SyncSequence.size], next);
    writeShift(sequences.in, bytes, next + 2);
    writeShift(sequences.out, bytes, next + 2 + SyncSequence.size);
    next += 2 + 2 * SyncSequence.size;
  }
  if (engine === undefined) return;
  bytes.set([SYNC_OPTION_ENGINE_DATA, engine.data.length, ...engine.data, SYNC_OPTION_ENGINE_NAME, engine.name.length, ...Array.from(engine.name, (letter) => letter.charCodeAt(0))], next);
}

/** hton_seq() */
function writeShift({ initial, delta, previousDelta }: SyncShift, bytes: Uint8Array, at: number): void {
  encodeInto(SyncSequence, { initial: be32(initial), delta: be32(delta), previousDelta: be32(previousDelta) }, bytes, at);
}

/** The bits that say that sequence numbers follow stand where they do. */
function writeRecord0({ protocol, flags, state, client, clientPort, virtual, virtualPort, server, serverPort, sequences }: SyncConnection, bytes: Uint8Array, at: number): void {
  encodeInto(SyncRecord0, {
    protocol, clientPort, virtualPort, serverPort, client: toIpv4(client), virtual: toIpv4(virtual), server: toIpv4(server), state: be16(state),
    flags: be16(sequences === undefined ? flags & ~SYNC_SEQUENCES : flags),
  }, bytes, at);
  if (sequences === undefined) return;
  encodeInto(SyncSequence0, sequences.in, bytes, at + SyncRecord0.size);
  encodeInto(SyncSequence0, sequences.out, bytes, at + SyncRecord0.size + SyncSequence0.size);
}

const toIpv4 = ({ low }: SyncAddress): Be32 => Number(low) as Be32;
