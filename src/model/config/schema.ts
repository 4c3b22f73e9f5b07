// The keys of weir.yaml and what each may hold. A description completes the sentence "… is not <description>".
// Rules that look at more than one key are in service.ts and read.ts.

import { z } from "zod";
import { SYNC_LENGTH_MAX } from "../sync-daemon.js";
import { SYSCTLS, SYSCTL_NAMES, sysctlValue } from "../sysctls.js";

export const PROTOCOLS = ["tcp", "udp", "sctp"] as const;
export const METHODS = ["nat", "dr", "tun"] as const;
/** Each a file in control/health/checks. */
export const CHECK_TYPES = ["tcp", "http", "https", "dns", "smtp", "udp", "ping", "script"] as const;
export const DNS_RECORDS = ["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "PTR", "SRV", "ANY"] as const;
export const STATUS_RANGE = /^[1-5]\d\d-[1-5]\d\d$/;
export const SYNC_ROLES = ["master", "backup"] as const;
export const MODES = ["auto", "tc", "xdp", "generic"] as const;

/** Linux v6.18 net/netfilter/ipvs/Kconfig. */
export const SCHEDULERS = ["rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "twos"] as const;

/** Bits of Service.schedulerFlags: Linux include/uapi/linux/ip_vs.h, IP_VS_SVC_F_SCHED1…3. */
export const SCHEDULER_FLAGS = {
  "sh-fallback": 1, "sh-port": 2, "mh-fallback": 1, "mh-port": 2, "flag-1": 1, "flag-2": 2, "flag-3": 4,
} as const;

/** Weights are the kernel's atomic_t; it refuses negative ones. */
export const WEIGHT_MAX = 2 ** 31 - 1;
export const THRESHOLD_MAX = 65535;
/** ipvsadm 1.31 takes no longer persistence (31 days), and no longer --set value (365 days). */
export const PERSISTENT_SECONDS_MAX = 31 * 86400;
export const TIMEOUT_SECONDS_MAX = 365 * 86400;
/** A connection takes 72 bytes, one of IPv6 136: 2^24 of the one and 2^23 of the other are more than a gigabyte. */
export const TABLE_ENTRIES_MIN = 2 ** 8;
export const TABLE_ENTRIES_MAX = 2 ** 24;
/** A destination takes 480 bytes and 64 for each processor: 2^20 of them are 600 MiB on two. */
export const DESTINATION_ENTRIES_MIN = 2 ** 11;
export const DESTINATION_ENTRIES_MAX = 2 ** 20;

const key = <S extends z.ZodType>(expected: string, schema: S) => schema.optional().describe(expected);
const whole = (unit: string, min: number, max: number) => key(`${unit} from ${min} to ${max}`, z.int().min(min).max(max));
const seconds = (min: number, max: number) => key(`a number of seconds from ${min} to ${max}`, z.number().min(min).max(max));
const flag = key("true or false", z.boolean());
const text = (expected: string) => key(expected, z.string().min(1));
const oneOf = <const Names extends readonly string[]>(names: Names) => key(`one of ${names.join(", ")}`, z.enum(names));
/** Read piece by piece afterwards, so that a mistake inside hides none elsewhere. */
const list = (of: string) => key(`a list of ${of}`, z.array(z.unknown()));
const mapping = (of: string) => key(of, z.unknown());

const address = key("an address such as 10.0.0.100 or fd00::100", z.string());
const port = whole("a port", 0, 65535);
const interfaceName = key("the name of an interface", z.string().min(1));

const forwarding = {
  method: oneOf(METHODS),
  weight: whole("a whole number", 0, WEIGHT_MAX),
  upperThreshold: whole("a number of connections", 0, THRESHOLD_MAX),
  lowerThreshold: whole("a number of connections", 0, THRESHOLD_MAX),
  tunnel: mapping("a mapping with type, port and checksum"),
};
const words = z.union([z.string(), z.array(z.string())]);
const command = key("a command: a string or a list of words", words);
/** docs/health-checks.md; a group may stand behind a colon. */
const user = key("the name of a user, or USER:GROUP", z.string().regex(/^[^\s:]+(:[^\s:]+)?$/));
const notification = key("a command: a string, a list of words, or a mapping with command and user", z.union([words, z.record(z.string(), z.unknown())]));
export const NotificationFields = z.strictObject({ command, user });
const health = {
  checks: list("checks"),
  onFailure: oneOf(["remove", "quiesce"]),
  startsDown: flag,
  notifyUp: notification,
  notifyDown: notification,
};
const scheduling = {
  scheduler: oneOf(SCHEDULERS),
  schedulerFlags: key("a list of scheduler flags", z.array(z.enum(Object.keys(SCHEDULER_FLAGS) as (keyof typeof SCHEDULER_FLAGS)[]))),
  persistent: whole("a number of seconds", 1, PERSISTENT_SECONDS_MAX),
  netmask: key("an IPv4 mask such as 255.255.255.0, or an IPv6 prefix length", z.union([z.string(), z.int()])),
};

export const TopFields = z.strictObject({
  defaults: mapping("a mapping of settings for all services"),
  services: list("services"),
  interfaces: list("interface names"),
  mode: oneOf(MODES),
  addresses: list("VIP addresses"),
  timeouts: mapping("a mapping with tcp, tcpFin and udp"),
  connectionTable: mapping("a mapping with entries, entriesIpv6"),
  destinationTable: mapping("a mapping with entries"),
  scriptUser: user,
  marks: list("rules for firewall marks"),
  sync: list("sync daemons"),
  sysctl: mapping("a mapping of names of net.ipv4.vs to values"),
  api: mapping("a mapping with socket and tls"),
  include: mapping("the name of a file, or a list of names"),
});

export const DefaultsFields = z.strictObject({ protocol: oneOf(PROTOCOLS), ...scheduling, ...forwarding, ...health });

export const ServiceFields = z.strictObject({
  protocol: oneOf(PROTOCOLS),
  address,
  port,
  fwmark: whole("a firewall mark", 1, 2 ** 32 - 1),
  family: key("4 or 6", z.literal([4, 6])),
  interface: interfaceName,
  ...scheduling,
  persistenceEngine: oneOf(["sip"]),
  onePacket: flag,
  ...forwarding,
  ...health,
  group: text("the name of a group"),
  quorum: mapping("a mapping with weight, hysteresis, notifyUp and notifyDown"),
  sorryServer: mapping("a mapping with address, port, method, tunnel and quiesced"),
  destinations: list("destinations"),
});

export const DestinationFields = z.strictObject({ address, port, ...forwarding, ...health });

export const QuorumFields = z.strictObject({
  weight: whole("a whole number", 1, WEIGHT_MAX),
  hysteresis: whole("a whole number", 0, WEIGHT_MAX),
  notifyUp: notification,
  notifyDown: notification,
});

const { method, tunnel, upperThreshold, lowerThreshold } = forwarding;
export const SorryServerFields = z.strictObject({ address, port, method, upperThreshold, lowerThreshold, tunnel, quiesced: flag });

export const TunnelFields = z.strictObject({
  type: oneOf(["ipip", "gue", "gre"]),
  port: whole("a port", 1, 65535),
  checksum: oneOf(["none", "checksum", "remote"]),
});

export const InterfaceFields = z.strictObject({ name: interfaceName, mode: oneOf(MODES) });

export const AddressFields = z.strictObject({
  vip: key("an address such as 10.0.0.100 or 10.0.0.100/24", z.string()),
  interface: interfaceName,
});

export const TimeoutFields = z.strictObject({
  tcp: whole("a number of seconds", 1, TIMEOUT_SECONDS_MAX),
  tcpFin: whole("a number of seconds", 1, TIMEOUT_SECONDS_MAX),
  udp: whole("a number of seconds", 1, TIMEOUT_SECONDS_MAX),
});

/** docs/sysctls.md; values are read as `weir sysctl` reads them. */
export const SysctlKeys = z.strictObject(Object.fromEntries(SYSCTL_NAMES.map((name) =>
  [name, key(SYSCTLS[name].expected, z.unknown().refine((value) => sysctlValue(name, value) !== undefined))])));

export const MarkFields = z.strictObject({
  mark: whole("a number", 1, 2 ** 32 - 1),
  family: key("4 or 6", z.union([z.literal(4), z.literal(6)])),
  protocol: oneOf(PROTOCOLS),
  from: key("an address, or a network such as 10.0.0.0/8", z.string()),
  to: key("an address, or a network such as 10.0.0.0/8", z.string()),
  fromPorts: key("a port, or a range such as 1024-65535", z.union([z.int(), z.string()])),
  ports: key("a port, or a range such as 80-90", z.union([z.int(), z.string()])),
});

export const SyncFields = z.strictObject({
  role: oneOf(SYNC_ROLES),
  interface: interfaceName,
  syncId: whole("a number", 0, 255),
  lengthMax: whole("a number of bytes", 1, SYNC_LENGTH_MAX),
  group: key("a multicast address such as 224.0.0.81 or ff02::81", z.string()),
  port: whole("a port", 1, 65535),
  ttl: whole("a number of hops", 1, 255),
});

export const DestinationTableFields = z.strictObject({ entries: whole("a power of two", DESTINATION_ENTRIES_MIN, DESTINATION_ENTRIES_MAX) });

export const ApiFields = z.strictObject({
  socket: mapping("a mapping with path, mode and group"),
  tls: mapping("a mapping with listen, certificate, key and tokens"),
});

export const ApiSocketFields = z.strictObject({
  path: key("the path of a socket", z.string().min(1)),
  mode: key('a mode such as "0660"', z.union([z.string(), z.int()])),
  group: key("a group, by name or number", z.union([z.string().min(1), z.int().min(0)])),
});

export const ApiTlsFields = z.strictObject({
  listen: key("an address with a port, such as 10.0.0.1:8443", z.string()),
  certificate: key("the path of a PEM file", z.string().min(1)),
  key: key("the path of a PEM file", z.string().min(1)),
  tokens: key("the path of a file of tokens", z.string().min(1)),
});

export const TableFields = z.strictObject({
  entries: whole("a power of two", TABLE_ENTRIES_MIN, TABLE_ENTRIES_MAX),
  entriesIpv6: whole("a power of two", TABLE_ENTRIES_MIN, TABLE_ENTRIES_MAX / 2),
});

const statusCode = z.union([z.int().min(100).max(599), z.string().regex(STATUS_RANGE)]);
const request = {
  path: key("a path that begins with /", z.string().startsWith("/")),
  host: text("the name of a host"),
  method: oneOf(["GET", "HEAD"]),
  status: key("a status such as 200, a range such as 200-299, or a list of them", z.union([statusCode, z.array(statusCode).min(1)])),
  digest: key("an MD5 digest of 32 hexadecimal digits", z.string().regex(/^[\da-fA-F]{32}$/)),
  body: text("a regular expression"),
  bodyNot: text("a regular expression"),
};
export const RequestFields = z.strictObject(request);

const anyCheck = {
  type: oneOf(CHECK_TYPES),
  every: seconds(0.1, 86400),
  timeout: seconds(0.1, 3600),
  retries: whole("a whole number", 0, 1000),
  retryDelay: seconds(0, 86400),
  warmup: seconds(0, 86400),
};
const networkCheck = {
  ...anyCheck,
  address,
  port: whole("a port", 1, 65535),
  source: key("an address such as 10.0.0.1, or with a port", z.string()),
  interface: interfaceName,
  mark: whole("a firewall mark", 1, 2 ** 32 - 1),
};
const httpCheck = z.strictObject({
  ...networkCheck, ...request,
  requests: list("requests"),
  version: oneOf(["1.0", "1.1"]),
});

/** By a check's type; what one type alone has is no key of the others. */
export const CHECK_FIELDS = {
  tcp: z.strictObject(networkCheck),
  http: httpCheck,
  https: httpCheck.extend({ sni: flag, verify: flag }),
  dns: z.strictObject({ ...networkCheck, record: oneOf(DNS_RECORDS), name: text("a domain name") }),
  smtp: z.strictObject({ ...networkCheck, helo: text("a host's name") }),
  udp: z.strictObject({
    ...networkCheck,
    payload: key("hexadecimal digits in pairs, in quotes", z.string().regex(/^([\da-fA-F]{2})*$/)),
    reply: key("true, or a mapping with begins, lengthMin and lengthMax", z.unknown()),
  }),
  ping: z.strictObject(networkCheck),
  script: z.strictObject({ ...anyCheck, command, setsWeight: flag, user }),
} as const;

export const ReplyFields = z.strictObject({
  begins: key("hexadecimal digits in pairs, in quotes, ## for any byte", z.string().regex(/^([\da-fA-F]{2}|##)*$/)),
  lengthMin: whole("a length in bytes", 0, 65507),
  lengthMax: whole("a length in bytes", 0, 65507),
});
