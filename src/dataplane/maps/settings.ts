// What packets read of the configuration as a whole: settings, sysctls, and what the defences against overload count.

import { i32, u32, u64 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";

/** Bits of the filter that tells most addresses from VIPs without a look-up. */
export const VIP_FILTER_BITS = 4096;

export const Settings = struct("Settings", {
  /** Random, once for a table: so that nobody outside can aim at one bucket. */
  hashSeed: u64,
  /** Ticks (see clock.ts) for each TCP state, by its number; then UDP's. */
  tcpTimeouts: array(u32, 16),
  udpTimeout: u32,
  /** The same for each SCTP state. */
  sctpTimeouts: array(u32, 16),
  /** Services on port 0, which stands for every port: while there is none, packets are looked up by their own port only. */
  anyPortServices: u32,
  /** Services by firewall mark: while there is none, no packet is asked for its mark. */
  markServices: u32,
  /** Services that connections to FTP's port may be for: while there is none, none is expected (expected.ts). */
  ftpServices: u32,
  /** Persistent ones on FTP's port: while there is none, no other port is theirs. */
  ftpDataServices: u32,
  /** In `markRules`: where the list begins. */
  markRulesAt: u32,
  /** The interface by which packets come back that netfilter marked (marked.ts), or 0. */
  markedIfindex: u32,
  /** Whether there are destinations by NAT, now or before, of each family's services: while there is none, no packet is looked up as an answer. */
  natDestinations: u32,
  natDestinationsIpv6: u32,
  /** In ticks: until then the expiry's walk ends connections whose destination was removed. */
  sweepUntil: u32,
  /** Counts changes of services: the lowest bit says which of a service's two rows is the one that packets go by. */
  generation: u32,
  /** Bit hash(VIP): some service may have this address. */
  vipFilter: array(u64, VIP_FILTER_BITS / 64),
});
export const settings = table("settings", Settings, 1);

/** net.ipv4.vs, by the kernel's names, in the units of docs/sysctls.md. All that an administrator may set is kept here; packets go by some of it. */
export const Sysctls = struct("Sysctls", {
  am_droprate: i32,
  amemthresh: i32,
  backup_only: i32,
  cache_bypass: i32,
  conn_reuse_mode: i32,
  conntrack: i32,
  drop_entry: i32,
  drop_packet: i32,
  expire_nodest_conn: i32,
  expire_quiescent_template: i32,
  ignore_tunneled: i32,
  lblc_expiration: i32,
  lblcr_expiration: i32,
  nat_icmp_send: i32,
  pmtu_disc: i32,
  run_estimation: i32,
  schedule_icmp: i32,
  secure_tcp: i32,
  sloppy_sctp: i32,
  sloppy_tcp: i32,
  snat_reroute: i32,
  sync_persist_mode: i32,
  sync_ports: i32,
  sync_qlen_max: u32,
  sync_refresh_period: i32,
  sync_retries: i32,
  sync_sock_size: i32,
  sync_threshold: array(i32, 2),
  sync_version: i32,
});
export const sysctls = table("sysctls", Sysctls, 1);

/** What the defences of drop_entry, drop_packet and secure_tcp remember (defense.ts). */
export const Defense = struct("Defense", {
  /** Of how many new connections of IPv4, of IPv6, one is dropped in mode 2; 0: there is room. */
  dropRate4: i32,
  dropRate6: i32,
  /** New connections until the next one that is dropped. */
  dropCounter: i32,
  /** Idle connections until the next one that ends, by how many packets they had. */
  idleCounters: array(i32, 16),
});
export const defenses = table("defenses", Defense, 1);
