// The state that a director keeps in the kernel: one schema for the packet path, control/ and the tools. Everything is
// pinned; what control/ writes, packets read; what packets write (counts, connections), control/ reads in place.
//
//   services ──members──▶ destinations ──hop──▶ the real server
//      ▲ miss                 ▲
//   packet ──hit──▶ buckets ▶ connections ──hop──▶ the client (answers of NAT)

import { Be16, Be32, i32, u16, u32, u64, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import type { ArrayMap } from "#prelude/maps.js";
import { MapFlag } from "#ebpf/spec.js";
import { arrayMap, hashMap, lruHashMap, programArray, table } from "#prelude/maps.js";
import { Timer } from "#prelude/helpers.js";
import { Address } from "#wire/address.js";
import { IpProtocol } from "#wire/ipv4.js";
import { IPV4, IPV6, PROCESSORS } from "./config.js";

// --- Limits. Sizes of tables are those of a compilation that names no others. ------------------------------------

/** Connections that fit, at eight a bucket. 2^18 take 16 MiB and 2 MiB for the buckets; 2^16 of IPv6 take 8 MiB and 512 KiB. */
export const CONNECTIONS_DEFAULT = 2 ** 18;
export const CONNECTIONS6_DEFAULT = 2 ** 16;
export const SLOTS_PER_BUCKET = 8;
/** Those that go and those that come with one change stand side by side: 10,000 can take the place of 10,000 others. */
export const SERVICES_MAX = 2 ** 15;
/** Their rows, old and new ones: 3 MiB. The first is none. */
export const SERVICE_ROWS_MAX = 2 * SERVICES_MAX;
/**
 * Destinations that fit where nothing was said, those removed with connections among them. The kernel takes the memory of all at once: 480 bytes and 64 for
 * each processor, so 9.5 MiB of these on two, and 76 MiB of 2^17.
 */
export const DESTINATIONS_DEFAULT = 2 ** 14;
/** Members of all services together, for a destination: an old and a new list stand side by side while one replaces the other, and lists leave gaps. */
export const MEMBERS_PER_DESTINATION = 4;
export const MEMBERS_DEFAULT = MEMBERS_PER_DESTINATION * DESTINATIONS_DEFAULT;
/** Schedulers' states: one for each list of members. */
export const SCHEDULER_STATES_MAX = 2 ** 16;
/** Slots of the hashing schedulers' tables, 4 MiB: 256 services by mh or 4,096 by sh or dh, less those being replaced. */
export const SLOTS_MAX = 2 ** 20;
/** Addresses that lblc and lblcr remember, of all services; the kernel begins to forget when one has as many. */
export const LOCALITIES_MAX = 2 ** 14;
/** Control connections at once that have announced a data connection. LVS differs: it has no such limit. */
export const DIALOGUES_MAX = 2 ** 14;
/** Servers of one address by lblcr. LVS differs: there, all of a service may become so. */
export const LOCALITY_SERVERS_MAX = 16;
/** Rules that give packets marks: a packet of no connection is held against one after the other. With its end a list is 256 long. */
export const MARK_RULES_MAX = 255;

// --- Settings ------------------------------------------------------------------------------------------------------

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

// --- Services and their members ------------------------------------------------------------------------------------

/** By address and port, or by a firewall mark: then the other fields are zero but for the family. */
export const ServiceKey = struct("ServiceKey", {
  address: Address,
  mark: u32,
  port: Be16,
  protocol: IpProtocol,
  /** config.ts, IPV4 or IPV6. */
  family: u8,
}, { size: 24 });

/**
 * Where a service is. This never changes while it stands, and rows and lists are never written where a packet may still
 * read: a change writes them elsewhere, then the numbers of its services' new rows, then `settings.generation`. By that
 * one store packets go from all of the old configuration to all of the new one; the other numbers follow later.
 */
export const ServiceSlot = struct("ServiceSlot", { slot: u32 });
export const services = hashMap("services", ServiceKey, ServiceSlot, SERVICES_MAX);

/** By slot. In `serviceRows`, by the lowest bit of the generation; 0: there is no such service. */
export const ServicePlaces = struct("ServicePlaces", { rows: array(u32, 2) }, { size: 8 });
export const servicePlaces = table("servicePlaces", ServicePlaces, SERVICES_MAX);

/** What a packet needs of a service. */
export const Service = struct("Service", {
  /** Counts of this service's own (connections refused), and its place in control's lists. */
  slot: u32,
  scheduler: u8,
  schedulerFlags: u8,
  flags: u16,
  /** In `members`: the first, and how many. Newest first, as the kernel keeps them. */
  membersAt: u32,
  membersCount: u32,
  /** In `schedulerStates`. */
  stateAt: u32,
  persistentSeconds: u32,
  /** Order of adding among all services: control/ lists by it. */
  sequence: u32,
  /** The firewall mark that it is known by, or 0. */
  mark: u32,
  /** Of a client's address, what persistence goes by. */
  netmask: Address,
}, { size: 48 });
export type Service = View<typeof Service>;
export const serviceRows = table("serviceRows", Service, SERVICE_ROWS_MAX);

/** Service.flags */
export const SERVICE_ONE_PACKET = 1;
export const SERVICE_PERSISTENT = 2;
/** On port 0: every port of the VIP that has no service of its own. A persistent service by mark too: all that has its mark. */
export const SERVICE_ANY_PORT = 4;
/** Persistent and on FTP's port, so that it is for FTP's data connections too: SERVICE_ANY_PORT is set besides. */
export const SERVICE_FTP = 8;
/** Its persistence engine is "sip". */
export const SERVICE_SIP = 16;

/** Service.scheduler. With none, a service takes no new connections (ip_vs_core.c, ip_vs_schedule()). */
export const SCHEDULER_NONE = 0;
export const SCHEDULER_RR = 1;
export const SCHEDULER_WRR = 2;
export const SCHEDULER_LC = 3;
export const SCHEDULER_WLC = 4;
export const SCHEDULER_FO = 5;
export const SCHEDULER_OVF = 6;
export const SCHEDULER_LBLC = 7;
export const SCHEDULER_LBLCR = 8;
export const SCHEDULER_DH = 9;
export const SCHEDULER_SH = 10;
export const SCHEDULER_MH = 11;
export const SCHEDULER_SED = 12;
export const SCHEDULER_NQ = 13;
export const SCHEDULER_TWOS = 14;

/** Service.schedulerFlags of sh and mh: ip_vs_sh.c, IP_VS_SVC_F_SCHED_SH_FALLBACK, IP_VS_SVC_F_SCHED_SH_PORT; mh's are the same. */
export const HASH_FALLBACK = 1;
export const HASH_PORT = 2;

export const Member = struct("Member", { destination: u32, weight: u32 }, { size: 8 });
export const members = table("members", Member, MEMBERS_DEFAULT);

/** Where a scheduler stands in its list of members. Made with the list, so that both change at once. */
export const SchedulerState = struct("SchedulerState", {
  /** rr, wrr: place + 1 of the last one chosen, 0 before the first; wrr: the current weight in the upper half. */
  position: u64,
  /** wrr: the largest weight less (gcd - 1), and the greatest common divisor. */
  maximumWeight: u32,
  divisor: u32,
  /** dh, sh, mh, in `slots`: the first, and how many; none while no member can be chosen. */
  slotsAt: u32,
  slotsCount: u32,
}, { size: 24 });
export type SchedulerState = View<typeof SchedulerState>;
export const schedulerStates = table("schedulerStates", SchedulerState, SCHEDULER_STATES_MAX);

/** What a hash value of dh, sh or mh leads to. */
export const Slot = struct("Slot", { destination: u32 }, { size: 4 });
export const slots = table("slots", Slot, SLOTS_MAX);

/** Which servers lblc (one) or lblcr (some) sends an address's connections to. */
export const LocalityKey = struct("LocalityKey", { serviceSlot: u32, padding: u32, address: Address }, { size: 24 });
export const Locality = struct("Locality", {
  /** In ticks: when a connection came last, when a server joined or left last. */
  usedAt: u32,
  changedAt: u32,
  serversCount: u32,
  /** In `destinations`, the newest last. */
  servers: array(u32, LOCALITY_SERVERS_MAX),
}, { size: 76 });
export type Locality = View<typeof Locality>;
export const localities = lruHashMap("localities", LocalityKey, Locality, LOCALITIES_MAX);

/**
 * A scheduler's walk over the members, one a processor. In a map and not on the stack: there the verifier would follow
 * every value from round to round and never see the walk come to the same state again.
 */
export const Search = struct("Search", {
  membersAt: u32,
  membersCount: u32,
  /** The destination found, the best one so far, or NO_DESTINATION; and what it is the best by. */
  chosen: u32,
  weight: u32,
  load: u64,
  /** rr, wrr: the next to look at, the place after the last one. */
  place: u32,
  /** wrr: see schedulers/wrr.ts. */
  currentWeight: u32,
  maximumWeight: u32,
  divisor: u32,
  largestBelow: u32,
  wholeRound: u32,
  /** sh, mh: what is hashed, and where the walk from slot to slot began. */
  hashed: u32,
  slotsAt: u32,
  slotsStart: u32,
  /** mh, lblc, lblcr: whether the walk met what it was looking for. */
  found: u32,
  /** twos: the members' weights together, and those of the members passed so far. */
  weightInAll: u64,
  weightPassed: u64,
  /** twos: where the two draws lie in the weights' sum. */
  firstAt: u64,
  secondAt: u64,
  /** twos: the second choice; lblcr: the server that is to leave. */
  secondLoad: u64,
  second: u32,
  secondWeight: u32,
  /** lblcr: the address's servers as they were found, of which service, and how many of them stay. */
  locality: Locality,
  serviceSlot: u32,
  kept: u32,
  spare: array(u32, 15),
}, { size: 256 });
export type Search = View<typeof Search>;
export const searches = table("searches", Search, PROCESSORS);
/** What bpf_loop hands from round to round: whose search it is. */
export const Searcher = struct("Searcher", { processor: u32 });
export type Searcher = View<typeof Searcher>;

// --- Firewall marks ------------------------------------------------------------------------------------------------

/** Packets that get a mark: those that agree with all of it. */
export const MarkRule = struct("MarkRule", {
  source: Address,
  sourceMask: Address,
  destination: Address,
  destinationMask: Address,
  /** From and to, in the host's byte order. */
  sourcePorts: array(u16, 2),
  destinationPorts: array(u16, 2),
  /** 0: the list ends before this. */
  mark: u32,
  /** config.ts, IPV4 or IPV6. */
  family: u8,
  /** 0: any. */
  protocol: IpProtocol,
  padding: u16,
}, { size: 80 });
export type MarkRule = View<typeof MarkRule>;
/** An old and a new list stand side by side, each with an end of its own. */
export const markRules = table("markRules", MarkRule, 2 * (MARK_RULES_MAX + 1));

// --- Destinations --------------------------------------------------------------------------------------------------

/** The way to a neighbour as the kernel's routing told it last; asked again when `validUntil` has passed. */
export const Hop = struct("Hop", {
  /** In ticks. A new one is given the present, so that it is asked for at once. */
  validUntil: u32,
  ifindex: u32,
  destination: array(u8, 6),
  source: array(u8, 6),
  mtu: u16,
  flags: u8,
  /** See hop.ts, prove(). */
  provedAt: u8,
}, { size: 24 });
export type Hop = View<typeof Hop>;

/** Hop.flags: the interface is a veth whose other end is in another network namespace; TC hands packets to that end directly. */
export const HOP_BY_PEER = 1;
/** Hop.flags: the interface is a veth. Linux v6.12 drivers/net/veth.c, veth_xdp_flush() leaves what XDP_TX sends lying unless the other end has an XDP program; a redirect arrives. */
export const HOP_WITHOUT_TX = 2;
/** Hop.flags: the interface's driver takes frames that XDP redirects; what is redirected to one that does not is lost. */
export const HOP_BY_XDP = 4;

/** The interfaces that there were when control/ attached; of one that came later nothing is known, and TC sends there. */
export const DeviceKey = struct("DeviceKey", { ifindex: u32 });
export const Device = struct("Device", { hopFlags: u32 });
export const DEVICES_MAX = 1024;
export const devices = hashMap("devices", DeviceKey, Device, DEVICES_MAX);

export const Destination = struct("Destination", {
  // The first line is what every packet on its way there reads.
  flags: u8,
  method: u8,
  port: Be16,
  hop: Hop,
  weight: u32,
  address: Address,
  /** config.ts, IPV4 or IPV6: of `address` and `tunnelSource`. */
  family: u8,
  /** TUNNEL_…; then what its kind needs. */
  tunnelType: u8,
  tunnelPort: Be16,
  tunnelChecksum: u8,
  /** Its service's family. */
  virtualFamily: u8,
  protocol: IpProtocol,
  /** Bytes that its tunnel puts around a packet, if its method is one (forward/tunnel.ts). */
  overhead: u8,
  upperThreshold: u32,
  // The second line. The director's address on the way there: the outer source of a tunnel.
  tunnelSource: Address,
  // Its service, so that a destination that is removed and comes back finds its connections again.
  virtualAddress: Address,
  virtualMark: u32,
  virtualPort: Be16,
  padding2: u16,
  serviceSlot: u32,
  lowerThreshold: u32,
  /** The last one that was not 0, since it was added: mh's slots go by it. */
  lastWeight: u32,
  /** When it was removed: clock.ts, ticks(). */
  removedAt: u32,
  spare: array(u32, 2),
  // Lines of their own for what packets write.
  activeConnections: u32,
  inactiveConnections: u32,
  persistentConnections: u32,
  written: array(u32, 29),
}, { size: 256 });
export type Destination = View<typeof Destination>;
export const destinations = table("destinations", Destination, DESTINATIONS_DEFAULT);

/** Destination.method: Linux include/uapi/linux/ip_vs.h, IP_VS_CONN_F_MASQ and its siblings. */
export const METHOD_MASQ = 0;
export const METHOD_LOCAL = 1;
export const METHOD_TUNNEL = 2;
export const METHOD_ROUTE = 3;

/** Destination.tunnelType: IP_VS_CONN_F_TUNNEL_TYPE_IPIP and its siblings. */
export const TUNNEL_IPIP = 0;
export const TUNNEL_GUE = 1;
export const TUNNEL_GRE = 2;

/** Destination.tunnelChecksum: IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM and its siblings. */
export const TUNNEL_NO_CHECKSUM = 0;
export const TUNNEL_CHECKSUM = 1;
export const TUNNEL_REMOTE_CHECKSUM = 2;

/** Destination.flags: IP_VS_DEST_F_AVAILABLE, IP_VS_DEST_F_OVERLOAD. Neither: removed, kept for its connections. */
export const DESTINATION_AVAILABLE = 1;
export const DESTINATION_OVERLOAD = 2;
/** The slot is taken. */
export const DESTINATION_IN_USE = 4;
/** It is the director itself. */
export const DESTINATION_LOCAL = 8;
/** It is or was by NAT, and connections by NAT may stand. */
export const DESTINATION_MASQUERADED = 16;
/** Removed, and its service too. */
export const DESTINATION_ORPHANED = 32;

/** A real server by NAT, as its answers name it. */
export const RealServerKey = struct("RealServerKey", { address: Address, port: Be16, protocol: IpProtocol, family: u8, spare: u32 }, { size: 24 });
/** What it is told from. */
export const RealServer = struct("RealServer", { director: Address }, { size: 16 });
/** While the sysctl nat_icmp_send is on: Linux net/netfilter/ipvs/ip_vs_ctl.c, rs_table. */
export const realServers = hashMap("realServers", RealServerKey, RealServer, DESTINATIONS_DEFAULT, MapFlag.NO_PREALLOC);

// --- Connections ---------------------------------------------------------------------------------------------------

/** Eight connections' tags and times: all that a look-up reads of those it does not want. One cache line. */
export const Bucket = struct("Bucket", {
  /** What is in each slot: see connection.ts. */
  tags: array(u16, SLOTS_PER_BUCKET),
  /** Ticks at which each connection's time is up. */
  expires: array(u32, SLOTS_PER_BUCKET),
  /** Connections that belong here and were put further on: a search stops where this is 0. */
  overflow: u32,
  spare: array(u32, 3),
}, { size: 64 });
export type Bucket = View<typeof Bucket>;
export const buckets4 = table("buckets", Bucket, CONNECTIONS_DEFAULT / SLOTS_PER_BUCKET);
export const buckets6 = table("buckets6", Bucket, CONNECTIONS6_DEFAULT / SLOTS_PER_BUCKET);
export const buckets = buckets6;

/** The same memory once more, with the tags as the two words that compare-and-swap works on. */
export const BucketWords = struct("BucketWords", { low: u64, high: u64, rest: array(u64, 6) }, { size: 64 });
export type BucketWords = View<typeof BucketWords>;
export const bucketWords4 = table("buckets", BucketWords, CONNECTIONS_DEFAULT / SLOTS_PER_BUCKET);
export const bucketWords6 = table("buckets6", BucketWords, CONNECTIONS6_DEFAULT / SLOTS_PER_BUCKET);
export const bucketWords = bucketWords6;

/** What a connection of either family is: one cache line. */
const connectionFields = {
  // The client's end, as one word: see ConnectionWords. The address of IPv6 is folded here, and whole behind.
  clientAddress: Be32,
  clientPort: Be16,
  protocol: IpProtocol,
  /** 0, or TEMPLATE and its siblings: so that no packet's client end is ever theirs. */
  kind: u8,
  /** Of IPv4: those of IPv6 stand behind. */
  virtualAddress: Be32,
  virtualPort: Be16,
  destinationPort: Be16,
  destinationAddress: Be32,
  flags: u32,
  /** In `destinations`. */
  destination: u32,
  state: u8,
  /** How many buckets past its own it was put. */
  displacement: u8,
  spare: array(u8, 2),
  /** The way back to the client, for the answers of NAT. */
  clientHop: Hop,
  /** While it is young. */
  packetsIn: u32,
  /** In `connections`: the template that it counts with, or the connection that announced it, or NO_TEMPLATE. */
  template: u32,
};
export const Connection4 = struct("Connection4", connectionFields, { size: 64 });
/** IPv6: the addresses in a second line. */
export const Connection6 = struct("Connection6", {
  ...connectionFields, client: Address, virtual: Address, server: Address, rest: array(u64, 2),
}, { size: 128 });
/** To TypeScript it has all fields; a program of IPv4 has Connection4 under this name (see `families`). */
export const Connection = Connection6;
export type Connection = View<typeof Connection>;
export const connections4 = table("connections", Connection4, CONNECTIONS_DEFAULT);
export const connections6 = table("connections6", Connection6, CONNECTIONS6_DEFAULT);
export const connections = connections6;

/** The same memory once more, with the client's end as the word that is hashed (connection.ts, clientEnd()). */
export const ConnectionWords4 = struct("ConnectionWords4", { client: u64, rest: array(u64, 7) }, { size: 64 });
export const ConnectionWords6 = struct("ConnectionWords6", { client: u64, rest: array(u64, 15) }, { size: 128 });
export const connectionWords4 = table("connections", ConnectionWords4, CONNECTIONS_DEFAULT);
export const connectionWords6 = table("connections6", ConnectionWords6, CONNECTIONS6_DEFAULT);
export const connectionWords = connectionWords6;

/**
 * The same memory once more, for templates: what a persistent service remembers of a client (persistence.ts). They begin
 * as connections do, with the client's address masked and its port 0.
 */
const templateFields = {
  connection: array(u64, 4),
  /** Its time after each new connection, in ticks. */
  timeout: u32,
  /** Connections that were made by it and still stand. While there are any, it does. */
  controlled: u32,
  /** Of a persistence engine's, what it is known by besides (engines/). */
  call: u64,
};
export const Template4 = struct("Template4", { ...templateFields, rest: array(u64, 2) }, { size: 64 });
export const Template6 = struct("Template6", { ...templateFields, rest: array(u64, 10) }, { size: 128 });
export const Template = Template6;
export type Template = View<typeof Template>;
export const templates4 = table("connections", Template4, CONNECTIONS_DEFAULT);
export const templates6 = table("connections6", Template6, CONNECTIONS6_DEFAULT);
export const templates = templates6;

/** Connection.kind of a template. */
export const TEMPLATE = 1;
/** Of a connection that was announced, whose client's port is not known yet (expected.ts); and when it is, of the entry that it had before. */
export const EXPECTED = 2;
export const MOVED = 3;
/** Connection.template of a connection without. */
export const NO_TEMPLATE = 0xffffffff;
/** Connection.state of a template: a connection of it was established. Linux v6.12 include/net/ip_vs.h, IP_VS_CTPL_S_ASSURED. */
export const TEMPLATE_ASSURED = 1;

/** What a processor has at hand when connections begin. */
export const Beginning = struct("Beginning", {
  /** Where it keeps the connection of a packet that is scheduled for itself alone: place + 1 in `connections`, claimed and never found. */
  onePacketPlace: u32,
  /** The template that it found or made last. Handed over here: read back it is any number, and the verifier follows one, not each that it may be. */
  template: u32,
  /** expected.ts: the entry that it found or claimed last. */
  entry: u32,
  /** Of the packet at hand, what its persistence engine read (engines/). */
  call: u64,
  /** IPv6, of the packet at hand: bytes of extension headers, and the protocol behind them (network/ipv6.ts). */
  extensionBytes: u32,
  protocol: IpProtocol,
  /** SCTP and IPsec, of the packet at hand: as in Flow (transport.ts). */
  chunk: u8,
  chunkAfter: u8,
  follows: u8,
  sourcePort: Be16,
  destinationPort: Be16,
  /** IPv6, of a packet with extension headers: its fragment header's, or 0 without one (network/ipv6.ts). */
  fragmentation: Be16,
  padding: u16,
  identification: Be32,
  spare: array(u32, 5),
}, { size: 64 });
export const beginnings4 = table("beginnings", Beginning, PROCESSORS);
export const beginnings6 = table("beginnings6", Beginning, PROCESSORS);
export const beginnings = beginnings6;

/** Connection.flags: Linux include/uapi/linux/ip_vs.h, IP_VS_CONN_F_*. The method stands in the lowest bits. */
export const CONNECTION_METHOD_MASK = 0x0007;
export const CONNECTION_NO_OUTPUT = 0x0080;
export const CONNECTION_INACTIVE = 0x0100;
export const CONNECTION_TEMPLATE = 0x1000;
export const CONNECTION_ONE_PACKET = 0x2000;
/** weir's own: not more than FIRST_PACKETS came from its client as yet, and they are counted. */
export const CONNECTION_YOUNG = 0x0100_0000;
/** Linux v6.12 net/netfilter/ipvs/ip_vs_conn.c, todrop_entry(): with more, a connection is never dropped. */
export const FIRST_PACKETS = 8;

/** It is an application's (application.ts). IPVS sets this bit, IP_VS_CONN_F_NFCT, for those of ip_vs_ftp too. */
export const CONNECTION_APPLICATION = 0x10000;

/** weir's own: a template of a persistence engine, whose call is in `calls`. */
export const CONNECTION_CALL = 0x20000;

/** weir's own: its client is on the director itself. */
export const CONNECTION_OWN = 0x40000;

// --- Synchronisation -----------------------------------------------------------------------------------------------

/** Another director told of it first: IP_VS_CONN_F_SYNC. */
export const CONNECTION_SYNC = 0x0020;
/** In what directors tell each other: its client's port is not known yet. IP_VS_CONN_F_NO_CPORT. */
export const CONNECTION_NO_CLIENT_PORT = 0x0800;
/** weir's own: another director told of it last in the state that stands in the four bits from CONNECTION_TOLD_STATE_SHIFT on. */
export const CONNECTION_TOLD = 0x0200_0000;
export const CONNECTION_TOLD_STATE_SHIFT = 20;
export const CONNECTION_TOLD_STATE_MASK = 0x00f0_0000;

/** A connection, or a template, that another director tells of: what the backup daemon (control/synchronisation) leaves for synchronised.ts. */
export const Told = struct("Told", {
  client: Address,
  virtual: Address,
  server: Address,
  clientPort: Be16,
  virtualPort: Be16,
  serverPort: Be16,
  protocol: IpProtocol,
  /** config.ts, IPV4 or IPV6; 0: the list ends before this. */
  family: u8,
  /** As Connection.flags; of the method nothing, which is the destination's. */
  flags: u32,
  state: u32,
  /** In ticks. */
  timeout: u32,
  /** In `destinations`, or NO_DESTINATION. */
  destination: u32,
  packetsIn: u32,
  /** What became of it: TOLD_…; and in `connections`, where it stands. */
  outcome: u32,
  entry: u32,
  padding: u32,
  /** Of a persistence engine's template, what it is known by besides (engines/). */
  call: u64,
  spare: array(u64, 4),
}, { size: 128 });
export type Told = View<typeof Told>;
/** As many as one message can tell of, and an end. */
export const TOLD_MAX = 255;
export const tolds = table("tolds", Told, 256);

/** Told.outcome: it is new; it stood already; a newer one stands in its place; it has no destination here; there is no room. */
export const TOLD_ENTERED = 1;
export const TOLD_RENEWED = 2;
export const TOLD_OUTDATED = 3;
export const TOLD_UNBOUND = 4;
export const TOLD_TABLE_FULL = 5;

// --- Applications --------------------------------------------------------------------------------------------------

/** A connection by its place, in the table of its family. */
export const Place = struct("Place", { connection: u32, family: u32 }, { size: 8 });

/** What is kept of an application's connection beside its entry: Linux include/net/ip_vs.h, struct ip_vs_conn, app_data, n_control and out_seq. */
export const Dialogue = struct("Dialogue", {
  /** What the client asked for last: applications/ftp.ts, ACTIVE and its siblings. */
  mode: u32,
  /** Whether the answer to that is still to come; the sequence number of the one that came last. */
  awaitsReply: u32,
  repliedAt: u32,
  /** Connections that it announced and that still stand. While there are any, it does. */
  controlled: u32,
  /** Of the server's bytes, what their sequence numbers grow by on the way: up to the last one that changed its length, and after it (application.ts). */
  correctedAt: u32,
  growthBefore: u32,
  growthAfter: u32,
  spare: u32,
}, { size: 32 });
export type Dialogue = View<typeof Dialogue>;
export const dialogues = hashMap("dialogues", Place, Dialogue, DIALOGUES_MAX);

/** Bytes of an FTP line; a payload of more is none. Twice as many are all that bpf_csum_diff() compares at once. */
export const FTP_LINE_BYTES = 256;

/** A line of FTP's while it is read, one a processor. In a map for the reason that Search is. */
export const FtpLine = struct("FtpLine", {
  bytes: array(u8, FTP_LINE_BYTES),
  /** As it goes on: with `text` in the place of the bytes from `start` to before `end`. */
  rewritten: array(u8, FTP_LINE_BYTES),
  text: array(u8, 32),
  /** Bytes of each. */
  length: u32,
  rewrittenLength: u32,
  textLength: u32,
  start: u32,
  end: u32,
  /** applications/ftp.ts: at which step the walk over its bytes is, what it looks for and what it found. */
  step: u32,
  mode: u32,
  skip: u8,
  skipped: u8,
  delimiter: u8,
  /** Of an address: how many numbers are read, the one that is being read, and what came last. */
  numbersCount: u8,
  number: u32,
  last: u32,
  /** IPv6: how many numbers stand before ::, or NO_GAP. */
  gapAt: u32,
  groups: array(u16, 8),
  port: u32,
  address: Address,
  spare: array(u32, 10),
}, { size: 664 });
export type FtpLine = View<typeof FtpLine>;
export const ftpLines = table("ftpLines", FtpLine, PROCESSORS);
/** What bpf_loop hands from byte to byte: whose line it is. */
export const FtpReader = struct("FtpReader", { processor: u32 });
export type FtpReader = View<typeof FtpReader>;

// --- Persistence engines -------------------------------------------------------------------------------------------

/** Linux v6.12 include/net/ip_vs.h, IP_VS_PEDATA_MAXLEN: bytes of a Call-ID. */
export const CALL_ID_MAX = 255;
/** Bytes of a message that are read: of a longer one none. */
export const SIP_MESSAGE_MAX = 2048;
/** Templates at once whose calls are shown: of more, weir goes by the call all the same. */
export const CALLS_MAX = 2 ** 16;

/** The text of a call, for those who list connections. */
export const Call = struct("Call", { text: array(u8, 256), length: u32 }, { size: 260 });
export const calls = hashMap("calls", Place, Call, CALLS_MAX, MapFlag.NO_PREALLOC);

/** A message while it is read, one a processor. In a map for the reason that Search is. */
export const SipMessage = struct("SipMessage", {
  bytes: array(u8, SIP_MESSAGE_MAX),
  length: u32,
  /** engines/sip.ts: at which step the walk over its bytes is, and from where on it goes on. */
  step: u32,
  resumeAt: u32,
  /** Of the Call-ID: where it begins, and its part behind @. */
  start: u32,
  domainAt: u32,
  callLength: u32,
  hash: u64,
  call: Call,
  spare: u32,
}, { size: 2344 });
export type SipMessage = View<typeof SipMessage>;
export const sipMessages = table("sipMessages", SipMessage, PROCESSORS);
/** What bpf_loop hands from byte to byte: whose message it is. */
export const SipReader = struct("SipReader", { processor: u32 });
export type SipReader = View<typeof SipReader>;

// --- Fragments -----------------------------------------------------------------------------------------------------

/** What makes fragments ones of one packet: RFC 791 section 3.2; RFC 8200 section 4.5, where the protocol does not count, and is 0 here. */
export const FragmentKey = struct("FragmentKey", {
  source: Address,
  destination: Address,
  /** As it stands on the wire. */
  identification: u32,
  protocol: IpProtocol,
  /** config.ts, IPV4 or IPV6. */
  family: u8,
  padding: u16,
}, { size: 40 });

/** What only the first fragment tells: as in Flow. */
export const FragmentNote = struct("FragmentNote", {
  sourcePort: Be16,
  destinationPort: Be16,
  /** In ticks: the others come before that. */
  until: u32,
  /** In `destinations`, of a packet that was scheduled for itself alone; NO_DESTINATION of others, which have a connection. */
  destination: u32,
  protocol: IpProtocol,
  padding: u8,
  padding2: u16,
}, { size: 16 });
/** About 2 MiB. The others come close behind the first, so that the least recently used are those that nobody asks for any more. */
export const FRAGMENT_NOTES_MAX = 2 ** 14;
export const fragmentNotes = lruHashMap("fragmentNotes", FragmentKey, FragmentNote, FRAGMENT_NOTES_MAX);

// --- Counters ------------------------------------------------------------------------------------------------------

/** A destination's, one a processor, so that no two ever write the same line. Services and totals are their sums. */
export const DestinationCounters = struct("DestinationCounters", {
  connections: u64,
  packetsIn: u64,
  packetsOut: u64,
  bytesIn: u64,
  bytesOut: u64,
  spare: array(u64, 3),
}, { size: 64 });
export type DestinationCounters = View<typeof DestinationCounters>;
export const destinationCounters = table("destinationCounters", DestinationCounters, DESTINATIONS_DEFAULT * PROCESSORS);

/** What is taken off the counters when they are shown (control/totals.ts): packets never look at these. */
export const destinationBaselines = table("destinationBaselines", DestinationCounters, DESTINATIONS_DEFAULT);
export const serviceBaselines = table("serviceBaselines", DestinationCounters, SERVICES_MAX);
export const totalBaseline = table("totalBaseline", DestinationCounters, 1);
/** By processor: what slots of `destinationCounters` had counted when other destinations got them. */
export const formerCounters = table("formerCounters", DestinationCounters, PROCESSORS);

/** Rates as estimator.ts keeps them: scaled averages, and the totals of the last time. */
export const DestinationRates = struct("DestinationRates", {
  connections: u64, packetsIn: u64, packetsOut: u64, bytesIn: u64, bytesOut: u64,
  lastConnections: u64, lastPacketsIn: u64, lastPacketsOut: u64, lastBytesIn: u64, lastBytesOut: u64,
  spare: array(u64, 6),
}, { size: 128 });
export const destinationRates = table("destinationRates", DestinationRates, DESTINATIONS_DEFAULT);

/** How often each way out was taken that is not a forwarded packet (see verdict.ts), one line of them a processor. */
export const VERDICTS_MAX = 32;
export const VerdictCounter = struct("VerdictCounter", { packets: u64 }, { size: 8 });
export const verdicts = table("verdicts", VerdictCounter, VERDICTS_MAX * PROCESSORS);

// --- Timers --------------------------------------------------------------------------------------------------------

/** The key of the maps below. */
export const MapIndex = struct("MapIndex", { index: u32 });

export const Expiry = struct("Expiry", {
  timer: Timer,
  /** The bucket at which the next slice begins. */
  cursor: u32,
  /** Buckets that every slice walks. */
  slice: u32,
  /** Connections ended since the beginning. */
  expired: u64,
  /** Of the round under way: slices walked, and slots of theirs that are taken. */
  slices: u32,
  taken: u32,
}, { size: 40 });
export type Expiry = View<typeof Expiry>;
export const expiry4: ArrayMap<typeof Expiry> = arrayMap("expiry", Expiry, 1, { needsBtf: true });
export const expiry6: ArrayMap<typeof Expiry> = arrayMap("expiry6", Expiry, 1, { needsBtf: true });
export const expiry = expiry6;

export const Estimator = struct("Estimator", {
  timer: Timer,
  /** The destination at which the next slice begins. */
  cursor: u32,
  spare: u32,
}, { size: 24 });
export type Estimator = View<typeof Estimator>;
export const estimator: ArrayMap<typeof Estimator> = arrayMap("estimator", Estimator, 1, { needsBtf: true });

// --- Families ------------------------------------------------------------------------------------------------------

/** The programs that others end in (entry.ts). Linux kernel/bpf/core.c, bpf_prog_map_compatible(): an array has programs of one type. */
export const tcPrograms = programArray("tcPrograms", 32);
export const xdpPrograms = programArray("xdpPrograms", 16);
export const PROGRAM_TC_ICMP = 0;
export const PROGRAM_TC6 = 1;
export const PROGRAM_TC6_ICMP = 2;
export const PROGRAM_TC_SCTP = 3;
export const PROGRAM_TC6_SCTP = 4;
export const PROGRAM_TC_TUNNEL = 5;
export const PROGRAM_TC6_TUNNEL = 6;
export const PROGRAM_TC_APPLICATION = 7;
export const PROGRAM_TC6_APPLICATION = 8;
export const PROGRAM_TC_SIP = 9;
export const PROGRAM_TC6_SIP = 10;
export const PROGRAM_TC = 11;
export const PROGRAM_TC_FRAGMENTS = 12;
export const PROGRAM_TC6_FRAGMENTS = 13;
export const PROGRAM_TC_RELAY = 14;
export const PROGRAM_TC6_RELAY = 15;
export const PROGRAM_OUT6 = 16;
export const PROGRAM_OUT_SCTP = 17;
export const PROGRAM_OUT6_SCTP = 18;
export const PROGRAM_OUT_ICMP = 19;
export const PROGRAM_OUT6_ICMP = 20;
export const PROGRAM_TC_CUT = 21;
export const PROGRAM_XDP6 = 0;
export const PROGRAM_XDP_SCTP = 1;
export const PROGRAM_XDP6_SCTP = 2;
export const PROGRAM_XDP_TUNNEL = 3;
export const PROGRAM_XDP6_TUNNEL = 4;

/** What a processor's program leaves for the one that it ends in. */
export const Handover = struct("Handover", {
  /** In `connections`: the packet's; or NO_CONNECTION, and in `destinations`. */
  connection: u32,
  destination: u32,
  /** Of its Way (hop.ts). */
  outcome: u32,
  ifindex: u32,
  neighbourFamily: u32,
  neighbour: array(u32, 4),
  /** Of bytes (sum.ts): read back it is any number, and the verifier follows one. */
  sum: u32,
  /** 1 while a first fragment, whose note is left, goes on to the program that takes whole packets; and what the note is found by. */
  fragmentNoted: u32,
  fragment: FragmentKey,
  /** Of a packet that is to be cut: the bytes that each piece may have (cut.ts). */
  fits: u32,
  spare: array(u32, 9),
}, { size: 128 });
export const handovers = table("handovers", Handover, PROCESSORS);

/** What an ICMP error about a packet in a tunnel quotes: left by the program of the error's family for that of the packet's inside (relay.ts). */
export const Quotation = struct("Quotation", {
  /** The tunnel's ends: the director's own, the real server's. */
  source: Address,
  destination: Address,
  /** config.ts, IPV4 or IPV6: of those, and of the error. */
  family: u32,
  /** TUNNEL_…; of GUE the port. */
  tunnelType: u32,
  tunnelPort: Be16,
  padding: u16,
  /** In bytes from the frame's beginning: the error's ICMP header, behind which the tunnel's begin, that of the packet inside, and where the error ends. */
  icmpAt: u32,
  innerAt: u32,
  end: u32,
  spare: array(u32, 2),
}, { size: 64 });
export type Quotation = View<typeof Quotation>;
export const quotations = table("quotations", Quotation, PROCESSORS);

/** What a program of a family has under the names that do not say it: control/programs compiles with these. */
export const families = {
  ipv4: {
    FAMILY: IPV4, Connection: Connection4, connections: connections4, connectionWords: connectionWords4, Template: Template4, templates: templates4,
    buckets: buckets4, bucketWords: bucketWords4, beginnings: beginnings4, expiry: expiry4,
  },
  ipv6: {
    FAMILY: IPV6, Connection: Connection6, connections: connections6, connectionWords: connectionWords6, Template: Template6, templates: templates6,
    buckets: buckets6, bucketWords: bucketWords6, beginnings: beginnings6, expiry: expiry6,
  },
} as const;
