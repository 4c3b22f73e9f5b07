// What directors tell each other of their connections: the messages of IPVS's sync daemons, over UDP to a multicast group.
// Linux v6.12 net/netfilter/ipvs/ip_vs_sync.c draws the formats; ip_vs_process_message() reads them, ip_vs_sync_conn() writes them.
//
//   version 1   0 │ sync id │ size │ records │ 1 │ 0     then records, each at a multiple of four bytes: a head, addresses, options
//   version 0   records │ sync id │ size                 then records of one kind: IPv4, without mark and timeout
//
// An option is its kind, the length of what it says, and that.

import { Be16, Be32, u32, u8 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { Address } from "./address.js";
import { IpProtocol } from "./ipv4.js";

/** The records' count is one byte. */
export const SYNC_RECORDS_MAX = 255;

export const SyncHeader0 = struct("SyncHeader0", { records: u8, syncId: u8, size: Be16 }, { size: 4 });
export const SyncHeader1 = struct("SyncHeader1", { reserved: u8, syncId: u8, size: Be16, records: u8, version: u8, spare: Be16 }, { size: 8 });

export const SyncRecord0 = struct("SyncRecord0", {
  reserved: u8, protocol: IpProtocol, clientPort: Be16, virtualPort: Be16, serverPort: Be16, client: Be32, virtual: Be32, server: Be32, flags: Be16, state: Be16,
}, { size: 24 });

const recordHead = {
  /** Bit 0: IPv6. */
  type: u8,
  protocol: IpProtocol,
  /** Four bits of the record's version, 0, and twelve of its size with all options, in bytes. */
  versionAndSize: Be16,
  flags: Be32,
  state: Be16,
  clientPort: Be16,
  virtualPort: Be16,
  serverPort: Be16,
  mark: Be32,
  timeoutSeconds: Be32,
};
export const SyncRecord4 = struct("SyncRecord4", { ...recordHead, client: Be32, virtual: Be32, server: Be32 }, { size: 36 });
export const SyncRecord6 = struct("SyncRecord6", { ...recordHead, client: Address, virtual: Address, server: Address }, { size: 72 });

/** Linux include/net/ip_vs.h, struct ip_vs_seq: by what one side's sequence numbers grow, from a place on and before it. */
export const SyncSequence = struct("SyncSequence", { initial: Be32, delta: Be32, previousDelta: Be32 }, { size: 12 });
/** Of version 0: as it stands in the sender's memory. Two machines of different byte orders do not understand each other there. */
export const SyncSequence0 = struct("SyncSequence0", { initial: u32, delta: u32, previousDelta: u32 }, { size: 12 });

export const SYNC_VERSION_1 = 1;
export const SYNC_TYPE_IPV6 = 1;
export const SYNC_SIZE_MASK = 0x0fff;
export const SYNC_VERSION_SHIFT = 12;

// IPVS_OPT_SEQ_DATA and its siblings. One with the bit may be passed over by who does not know it.
export const SYNC_OPTION_SEQUENCES = 1;
export const SYNC_OPTION_ENGINE_DATA = 2;
export const SYNC_OPTION_ENGINE_NAME = 3;
/** The kernel takes IPVS_OPT_F_PARAM, 1 << (7 - 1), for the bit. */
export const SYNC_OPTION_MAY_BE_UNKNOWN = 0x40;
/** IP_VS_PEDATA_MAXLEN, IP_VS_PENAME_MAXLEN: bytes. */
export const SYNC_ENGINE_DATA_MAX = 255;
export const SYNC_ENGINE_NAME_MAX = 16;

/** Of a record's flags: Linux include/uapi/linux/ip_vs.h, IP_VS_CONN_F_SEQ_MASK: sequence numbers are beside it. */
export const SYNC_SEQUENCES = 0x0600;
/** Of these: the server's are shifted. IP_VS_CONN_F_OUT_SEQ. */
export const SYNC_SEQUENCES_OUT = 0x0200;
