// How much fits. Sizes of tables are those of a compilation that names no others (control/shape.ts).

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
