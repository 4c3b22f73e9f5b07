// What the keys of weir.yaml mean, beside what they may hold (schema.ts): the tables of docs/configuration.md and
// weir.yaml(5) are made from both. A key of the schema that has no meaning here is an error of types.

import { z } from "zod";
import * as schema from "./schema.js";

export interface Meaning {
  /** `backticks` around what is written in the file. */
  readonly meaning: string;
  /** What goes where the key is left out; "needed" where it may not be. Empty: nothing to say. */
  readonly without: string;
}

export interface KeySection {
  readonly name: string;
  readonly heading: string;
  /** Where in the file these keys stand. */
  readonly place: string;
  readonly fields: z.ZodObject;
  /** All the schemas that have these keys. */
  readonly of: readonly z.ZodObject[];
  readonly keys: { readonly [key: string]: Meaning };
}

const means = (meaning: string, without = ""): Meaning => ({ meaning, without });

const section = <S extends z.ZodObject>(
  name: string, heading: string, place: string, fields: S, keys: { readonly [K in keyof S["shape"]]-?: Meaning },
  of: readonly z.ZodObject[] = [fields],
): KeySection => ({ name, heading, place, fields, of, keys });

const FOR_ALL = "for all of its destinations, as there";

const forwarding = (without: string) => ({
  method: means("how packets reach the server: `nat` by its address, `dr` by its MAC address on a common segment, `tun` in a tunnel", without),
  weight: means("the server's share; 0 takes no new connections", "1"),
  upperThreshold: means("connections at which the server is full and gets no new ones; 0 for no limit", "0"),
  lowerThreshold: means("connections below which a full server takes new ones again; 0 for three quarters of `upperThreshold`", "0"),
  tunnel: means("by `tun`: what kind of tunnel", "`ipip`"),
});

const health = {
  checks: means("what is asked of the server; it is healthy while all succeed", "none: it is always healthy"),
  onFailure: means("what becomes of a server that fails: `remove`, or `quiesce`, by which it stays with weight 0 and keeps its connections", "`remove`"),
  startsDown: means("`true`: the server is not used until its checks have succeeded once; one that forwards when the daemon starts goes on", "`false`"),
  notifyUp: means("what is run when the server becomes healthy, without a shell; a string is split at blanks", "nothing"),
  notifyDown: means("what is run when it no longer is", "nothing"),
};

const toAll = <K extends string>(keys: Readonly<Record<K, Meaning>>) =>
  Object.fromEntries(Object.keys(keys).map((key) => [key, means(FOR_ALL)])) as Record<K, Meaning>;

const request = {
  path: means("what is asked for", "`/`"),
  host: means("the name in the header Host", "the address"),
  method: means("how it is asked", "`GET`"),
  status: means("which answers are good", "`200-299`"),
  digest: means("the MD5 of a good answer's body", "any body"),
  body: means("what the body matches", "any body"),
  bodyNot: means("what the body does not match", "any body"),
};

const TCP_KEYS = Object.fromEntries(Object.keys(schema.CHECK_FIELDS.tcp.shape).map((key) => [key, true])) as { [K in keyof typeof schema.CHECK_FIELDS.tcp.shape]: true };

/** What a check of this type has beyond what one by TCP has. */
const ownSection = <T extends keyof typeof schema.CHECK_FIELDS>(
  type: T, heading: string, keys: { readonly [K in Exclude<keyof (typeof schema.CHECK_FIELDS)[T]["shape"], keyof typeof TCP_KEYS>]-?: Meaning },
  of: readonly z.ZodObject[] = [schema.CHECK_FIELDS[type]],
): KeySection => {
  const shape = Object.entries(schema.CHECK_FIELDS[type].shape).filter(([key]) => !(key in TCP_KEYS));
  return { name: type, heading, place: "Beside those of every check", fields: z.strictObject(Object.fromEntries(shape)), of, keys };
};

const scheduling = {
  scheduler: means("which server a new connection gets; as in LVS", "`wlc`"),
  schedulerFlags: means("`sh` and `mh`: `…-fallback` takes another server where the chosen one has weight 0 or is full, `…-port` looks at the client's port too; `flag-1` to `flag-3` are the same bits by number", "none"),
  persistent: means("for how long, in seconds, a client stays with its server", "not persistent"),
  netmask: means("which clients count as one for persistence", "each for itself"),
};

export const KEY_SECTIONS: readonly KeySection[] = [
  section("top", "Top level", "At the top of the file", schema.TopFields, {
    defaults: means("what services and destinations below do not say themselves"),
    services: means("the virtual services", "needed; `[]` for none"),
    interfaces: means("where packets are taken: names, or mappings with `name` and `mode`", "every Ethernet interface that is up"),
    mode: means("how programs are attached: at `tc`, in the driver by `xdp`, by `generic` XDP without the driver; `auto` chooses for each interface, and `weir status` says why", "`auto`"),
    addresses: means("VIPs that `weir apply` puts on interfaces and `weir down` takes away", "none but those of services with `interface`"),
    timeouts: means("for how long idle connections are kept", "they stay: 900, 120 and 300 s in a new director"),
    connectionTable: means("how many connections fit; counts when the director is made", "262144 of IPv4, 65536 of IPv6"),
    destinationTable: means("how many destinations fit; counts when the director is made", "16384, or what the file needs and a quarter more"),
    scriptUser: means("who runs programs that check servers or tell of changes and name nobody; `USER:GROUP` for a group other than the user's", "who runs weir"),
    marks: means("rules that give packets a firewall mark; the first that agrees counts", "they stay"),
    sync: means("daemons that tell other directors of connections, or take what they tell (docs/synchronisation.md)", "those that run go on"),
    sysctl: means("settings of `net.ipv4.vs`, as docs/sysctls.md has them", "those not named stay"),
    api: means("where the daemon's API listens", "its socket alone"),
    include: means("files to be read as if they stood here, seen from this file; the file's name may be a pattern: `*`, `?`, `[a-z]`"),
  }),
  section("defaults", "Defaults", "Under `defaults`; what a service says itself goes before it, and what a destination says before both", schema.DefaultsFields, {
    protocol: means("as at a service"), ...scheduling, ...forwarding("each says its own"), ...health,
  }),
  section("service", "A service", "In the list `services`", schema.ServiceFields, {
    protocol: means("of the packets that the service takes", "needed, here or under `defaults`"),
    address: means("the VIP; `10.0.0.100:80` says the port too", "needed, unless there is `fwmark`"),
    port: means("the VIP's port; 0 for every port, of a persistent service", "needed, unless there is `fwmark`"),
    fwmark: means("instead of protocol, address and port: packets with this firewall mark"),
    family: means("of a service by `fwmark`: IPv4 or IPv6", "4"),
    interface: means("puts the VIP on this interface, as `addresses` does", "the VIP is up to you"),
    ...scheduling,
    persistenceEngine: means("what makes clients one beside their address: `sip` takes the Call-ID of SIP's messages", "the address alone"),
    onePacket: means("`true`: every packet is scheduled anew; of UDP and `fwmark` only", "`false`"),
    ...toAll(forwarding("")),
    ...toAll(health),
    group: means("services of one group are watched as one: they have the same servers in the same order, with the same checks and quorum; each check is made once, and so is each notification", "the service is watched by itself"),
    quorum: means("how much of the servers' weight must be healthy, or the service is lost", "`weight: 1`, `hysteresis: 0`"),
    sorryServer: means("who stands in while the service is lost", "nobody"),
    destinations: means("the real servers", "none"),
  }),
  section("destination", "A destination", "In the list `destinations` of a service", schema.DestinationFields, {
    address: means("the real server's, of the service's family (by `tun` of either); with or without a port", "needed"),
    port: means("the real server's: by `nat` any; by `dr` and `tun` the service's", "the service's"),
    ...forwarding("needed, here, at the service or under `defaults`"),
    ...health,
  }),
  section("check", "A check", "In a list `checks`; `address`, `port`, `source`, `interface` and `mark` are not of `script`", schema.CHECK_FIELDS.tcp, {
    type: means("how the server is asked", "needed"),
    every: means("from the answer to one, or the end of its time, to the next", "10"),
    timeout: means("no answer for so long is a failure", "5"),
    retries: means("failures in a row, beyond the first, that are forgiven", "1"),
    retryDelay: means("from a failure to the next try", "1"),
    warmup: means("the first comes at random within this time", "0"),
    address: means("whom to ask", "the destination's"),
    port: means("where to ask", "the destination's"),
    source: means("from which address, and port, to ask", "the machine chooses"),
    interface: means("through which interface to ask", "the machine chooses"),
    mark: means("with which firewall mark to ask", "none"),
  }, Object.values(schema.CHECK_FIELDS)),
  ownSection("https", "A check by http or https", {
    ...request,
    requests: means("several to be made one after the other, all of which are to be answered well", "one, of the keys above"),
    version: means("of HTTP; in quotes", "`\"1.1\"`"),
    sni: means("https: whether `host` is named in the handshake", "`true`"),
    verify: means("https: whether the certificate is verified", "`false`"),
  }, [schema.CHECK_FIELDS.http, schema.CHECK_FIELDS.https]),
  section("request", "A request", "In the list `requests` of a check by `http` or `https`", schema.RequestFields, request),
  ownSection("dns", "A check by dns", {
    record: means("what is asked for, over UDP", "`SOA`"),
    name: means("of which name", "`.`"),
  }),
  ownSection("smtp", "A check by smtp", { helo: means("the name to greet with", "`weir.invalid`") }),
  ownSection("udp", "A check by udp", {
    payload: means("what is sent", "an empty packet"),
    reply: means("`true`: there must be an answer; or what it must be", "it is enough that no ICMP error comes"),
  }),
  section("reply", "An answer", "Under `reply` of a check by `udp`", schema.ReplyFields, {
    begins: means("how the answer begins", "any way"),
    lengthMin: means("how long it is at least", "0"),
    lengthMax: means("how long it is at most", "65507"),
  }),
  ownSection("script", "A check by script", {
    command: means("the program and its arguments, run without a shell; status 0 is healthy", "needed"),
    setsWeight: means("`true`: a status from 2 to 255 sets the weight to 0 to 253", "`false`"),
    user: means("who runs it", "`scriptUser`"),
  }),
  section("notification", "A notification", "Under `notifyUp` or `notifyDown`, where more than a command is to be said", schema.NotificationFields, {
    command: means("the program and its arguments, run without a shell; a string is split at blanks", "needed"),
    user: means("who runs it", "`scriptUser`"),
  }),
  section("quorum", "The quorum", "Under `quorum`", schema.QuorumFields, {
    weight: means("the healthy servers' weights together, below which the service is lost", "1"),
    hysteresis: means("the service is lost only below `weight` less this, and stands again at `weight` and this", "0"),
    notifyUp: means("what is run when the service stands again", "nothing"),
    notifyDown: means("what is run when it is lost", "nothing"),
  }),
  section("sorry", "The sorry server", "Under `sorryServer`", schema.SorryServerFields, {
    address: means("as at a destination", "needed"),
    port: means("as at a destination", "the service's"),
    method: means("as at a destination", "the service's"),
    upperThreshold: means("as at a destination", "0"),
    lowerThreshold: means("as at a destination", "0"),
    tunnel: means("as at a destination", "`ipip`"),
    quiesced: means("`true`: it stands with weight 0 while it is not needed", "`false`: it is not there then"),
  }),
  section("tunnel", "A tunnel", "Under `tunnel`", schema.TunnelFields, {
    type: means("what is around the packet: IP alone, GUE in UDP, or GRE", "`ipip`"),
    port: means("of `gue`: the UDP port that the real server listens at", "needed by `gue`"),
    checksum: means("of `gue` and `gre`: no checksum, one of the outer packet, or by `gue` `remote` checksum offload", "`none`"),
  }),
  section("interface", "An interface", "In the list `interfaces`, where more than a name is to be said", schema.InterfaceFields, {
    name: means("the interface, as `ip link` has it", "needed"),
    mode: means("as `mode` at the top, for this one"),
  }),
  section("address", "An address", "In the list `addresses`", schema.AddressFields, {
    vip: means("the address, with the length of its network or without", "needed"),
    interface: means("where it is put", "needed"),
  }),
  section("timeout", "Timeouts", "Under `timeouts`", schema.TimeoutFields, {
    tcp: means("of an established TCP connection", "it stays"),
    tcpFin: means("of a TCP connection that one side has ended", "it stays"),
    udp: means("between UDP packets of one connection", "it stays"),
  }),
  section("mark", "A mark", "In the list `marks`; of the conditions, those that are there must all agree", schema.MarkFields, {
    mark: means("what packets get that agree", "needed"),
    family: means("the packet's family", "as the addresses say; without any, 4"),
    protocol: means("the packet's protocol", "any"),
    from: means("where the packet comes from", "anywhere"),
    to: means("where the packet goes", "anywhere"),
    fromPorts: means("its source port", "any"),
    ports: means("its destination port", "any"),
  }),
  section("sync", "A sync daemon", "In the list `sync`, one of each role at most", schema.SyncFields, {
    role: means("`master` tells other directors of this one's connections, `backup` takes what they tell", "needed"),
    interface: means("by which messages come and go", "needed"),
    syncId: means("which directors belong together; a backup with 0 takes every master's messages", "0"),
    lengthMax: means("the longest message", "what fits a packet of 1500 bytes; of a backup, one of its interface, if that takes more"),
    group: means("the multicast group to which messages go", "`224.0.0.81`"),
    port: means("the UDP port, the first of those of `sync_ports`", "8848"),
    ttl: means("how many routers a message may pass, and one", "1"),
  }),
  section("api", "The API", "Of the daemon, under `api`", schema.ApiFields, {
    socket: means("its socket: who may write to it may ask", "one for each network namespace under /run/weir"),
    tls: means("its port for the network", "nobody is served over the network"),
  }),
  section("apiSocket", "The API's socket", "Under `socket`", schema.ApiSocketFields, {
    path: means("where it is", "one for each network namespace under /run/weir"),
    mode: means("its permissions, in quotes", '`"0660"`'),
    group: means("whose it is beside root", "root"),
  }),
  section("apiTls", "The API's port", "Under `tls`", schema.ApiTlsFields, {
    listen: means("where it listens", "needed"),
    certificate: means("whom clients find there", "needed"),
    key: means("its private key", "needed"),
    tokens: means("who may ask, and who may change", "needed"),
  }),
  section("table", "The connection table", "Under `connectionTable`", schema.TableFields, {
    entries: means("connections of IPv4", "262144"),
    entriesIpv6: means("connections of IPv6", "65536"),
  }),
  section("destinationTable", "The table of destinations", "Under `destinationTable`", schema.DestinationTableFields, {
    entries: means("destinations, those that went and whose connections stand among them; the kernel takes 480 bytes and 64 for each processor of each at once", "16384, or what the file needs and a quarter more"),
  }),
];

/** A key's meaning, by the schema that it is of; undefined where there is none. */
export function meaningOf(fields: z.ZodObject, key: string): Meaning | undefined {
  return KEY_SECTIONS.find(({ of, keys }) => of.includes(fields) && key in keys)?.keys[key];
}

/** What the key may hold: the rest of "… is not". */
export function describeKey({ fields }: KeySection, key: string): string {
  return (fields.shape[key] as z.ZodType).description ?? "";
}
