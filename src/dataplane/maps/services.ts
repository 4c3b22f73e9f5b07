// Services, the lists of their members, and what schedulers keep. Linux net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_svc_table.

import { Be16, u16, u32, u64, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { hashMap, lruHashMap, table } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { IpProtocol } from "#wire/ipv4.js";
import { PROCESSORS } from "../config.js";
import { SERVICES_MAX, SERVICE_ROWS_MAX, MEMBERS_DEFAULT, SCHEDULER_STATES_MAX, SLOTS_MAX, LOCALITIES_MAX, LOCALITY_SERVERS_MAX } from "./limits.js";

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
