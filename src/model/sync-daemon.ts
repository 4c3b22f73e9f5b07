// What a sync daemon does that is told little: Linux v6.12 net/netfilter/ipvs/ip_vs_sync.c, start_sync_thread().

import { addressFamily, addressWords } from "./address.js";
import type { Address, SyncDaemon, SyncDaemonRequest } from "./director.js";

/** IP_VS_SYNC_GROUP, IP_VS_SYNC_PORT */
const SYNC_GROUP = "224.0.0.81";
const SYNC_PORT = 8848;
/** ipvsadm 1.31: of a message, in bytes, without the headers of IPv4 and UDP. */
export const SYNC_LENGTH_MAX = 65535 - 20 - 8;
const SYNC_TTL = 1;
/** A message fills a packet of so many bytes. */
const PACKET_BYTES = 1500;
const BACKUP_LENGTH_MIN = 1024;
const PACKET_BYTES_MAX = 65535;

/** `mtu`: of its interface. A master's messages fit Ethernet's packets, a backup takes what its interface brings. */
export function completeSyncDaemon({ role, interface: name, syncId, lengthMax, group = SYNC_GROUP, port = SYNC_PORT, ttl = SYNC_TTL }: SyncDaemonRequest, mtu: number): SyncDaemon {
  const headers = headerBytes(group);
  const isBackup = role === "backup";
  const length = lengthMax === undefined || lengthMax === 0
    ? (isBackup ? clamp(mtu, PACKET_BYTES, PACKET_BYTES_MAX) : PACKET_BYTES) - headers
    : clamp(lengthMax, isBackup ? BACKUP_LENGTH_MIN : 1, PACKET_BYTES_MAX - headers);
  return { role, interface: name, syncId, lengthMax: length, group, port, ttl };
}

/** Whether it need not be started anew. One whose length nobody asks for may go by what its interface had when it was started. */
export function isSuchSyncDaemon(running: SyncDaemon, wanted: SyncDaemonRequest): boolean {
  const complete = completeSyncDaemon(wanted, wanted.lengthMax === undefined ? running.lengthMax + headerBytes(running.group) : PACKET_BYTES);
  return (Object.keys(complete) as (keyof SyncDaemon)[]).every((key) => complete[key] === running[key]);
}

/** ipv4_is_multicast(), IPV6_ADDR_MULTICAST */
export function isSyncGroup(address: Address): boolean {
  const [first] = addressWords(address);
  return addressFamily(address) === 4 ? first >>> 28 === 0xe : first >>> 24 === 0xff;
}

const headerBytes = (group: string): number => (addressFamily(group) === 6 ? 40 : 20) + 8;

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
