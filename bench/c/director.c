// What weir is measured against: the same director in C, for XDP, as one would write it for use. Structs and constants
// come from weir's own schemas (dataplane.h is generated from src/dataplane), so that both programs read one
// configuration: settings, services, members and destinations are the same maps. Connections and counters are the
// kernel's: a preallocated hash by the packet's five-tuple (NAT: an entry for each direction, so that every packet needs
// one look-up) and per-CPU arrays.

#include <linux/bpf.h>
#include <linux/if_ether.h> /* its struct ethhdr is packed, and clang would read it byte by byte */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include "dataplane.h"

#define SEC(name) __attribute__((section(name), used))
#define always_inline inline __attribute__((always_inline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define be16(x) __builtin_bswap16(x)

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)BPF_FUNC_map_update_elem;
static __u64 (*bpf_ktime_get_coarse_ns)(void) = (void *)BPF_FUNC_ktime_get_coarse_ns;
static long (*bpf_redirect)(__u32 ifindex, __u64 flags) = (void *)BPF_FUNC_redirect;
static long (*bpf_xdp_adjust_head)(struct xdp_md *ctx, int delta) = (void *)BPF_FUNC_xdp_adjust_head;
static long (*bpf_fib_lookup)(void *ctx, struct bpf_fib_lookup *params, int size, __u32 flags) = (void *)BPF_FUNC_fib_lookup;

/* Maps, by reference and by value; who loads this puts the real ones in. */
extern int services, c_connections, c_counters, c_verdicts;
extern struct Settings settings;
extern struct Sysctls sysctls;
extern struct ServicePlaces servicePlaces[SERVICES_MAX];
extern struct Service serviceRows[SERVICE_ROWS_MAX];
extern struct Member members[MEMBERS_DEFAULT];
extern struct SchedulerState schedulerStates[SCHEDULER_STATES_MAX];
extern struct Destination destinations[DESTINATIONS_DEFAULT];

#define TICK_SHIFT 26
#define HOP_VALID_TICKS 4
#define AF_INET 2
#define LOOPBACK_IFINDEX 1
#define IP_DF 0x4000
#define IP_FRAGMENT 0x3fff
#define TUNNEL_OVERHEAD 20
#define FROM_SERVER 0x10000 /* in CConnection.flags: the entry is for a real server's answers */
#define MEMBERS_TRIED_MAX 64

enum tcp_state { NONE, ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, SYNACK };
#define ACTIVE_STATES (1 << ESTABLISHED | 1 << SYN_SENT | 1 << SYN_RECV | 1 << SYNACK)

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_ACK 0x10

struct ethernet {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
	__be16 protocol;
};

/* The key stands apart: it goes to the kernel by address, the rest stays in registers. */
struct flow {
	struct CConnectionKey *key;
	__u32 bytes;
	__u32 ttl;
	__u32 tcp_flags;
	__u32 transport_at;
};

static always_inline __u32 ticks(void)
{
	return bpf_ktime_get_coarse_ns() >> TICK_SHIFT;
}

static always_inline int has_passed(__u32 time, __u32 now)
{
	return (__s32)(now - time) >= 0;
}

static always_inline void count_verdict(__u32 verdict)
{
	__u64 *packets = bpf_map_lookup_elem(&c_verdicts, &verdict);
	if (packets)
		*packets += 1;
}

static always_inline int pass(__u32 verdict)
{
	count_verdict(verdict);
	return XDP_PASS;
}

static always_inline int drop(__u32 verdict)
{
	count_verdict(verdict);
	return XDP_DROP;
}

/* Fills `flow`; PARSED, or the verdict by which the packet is the stack's. */
#define PARSED 0xffff
static always_inline __u32 parse(struct xdp_md *ctx, struct flow *flow)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethernet *ethernet = data;
	struct iphdr *ip = data + sizeof(*ethernet);

	if ((void *)(ethernet + 1) > data_end)
		return VERDICT_truncated;
	if (ethernet->protocol != be16(ETH_P_IP))
		return VERDICT_notIp;
	if ((void *)(ip + 1) > data_end)
		return VERDICT_truncated;
	if (ip->version != 4)
		return VERDICT_notIp;
	if (ip->ihl < 5)
		return VERDICT_truncated;
	if (ip->frag_off & be16(IP_FRAGMENT))
		return VERDICT_fragment;

	flow->key->source = ip->saddr;
	flow->key->destination = ip->daddr;
	flow->key->protocol = ip->protocol;
	flow->bytes = be16(ip->tot_len);
	flow->ttl = ip->ttl;
	flow->transport_at = sizeof(*ethernet) + ip->ihl * 4;
	if (flow->bytes > data_end - data - sizeof(*ethernet))
		return VERDICT_truncated;

	void *transport = data + flow->transport_at;
	if (ip->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = transport;
		if (flow->bytes < ip->ihl * 4 + sizeof(*tcp) || (void *)(tcp + 1) > data_end)
			return VERDICT_truncated;
		flow->key->sourcePort = tcp->source;
		flow->key->destinationPort = tcp->dest;
		flow->tcp_flags = ((__u8 *)tcp)[13];
		return PARSED;
	}
	if (ip->protocol == IPPROTO_UDP) {
		struct udphdr *udp = transport;
		if (flow->bytes < ip->ihl * 4 + sizeof(*udp) || (void *)(udp + 1) > data_end)
			return VERDICT_truncated;
		flow->key->sourcePort = udp->source;
		flow->key->destinationPort = udp->dest;
		return PARSED;
	}
	return VERDICT_otherProtocol;
}

/* Linux net/netfilter/ipvs/ip_vs_proto_tcp.c, tcp_states[]: the next state by the present one, four bits each. */
#define STATES(no, es, ss, sr, fw, tw, cl, cw, la, li, sa) \
	((__u64)no | (__u64)es << 4 | (__u64)ss << 8 | (__u64)sr << 12 | (__u64)fw << 16 | (__u64)tw << 20 | (__u64)cl << 24 | \
	 (__u64)cw << 28 | (__u64)la << 32 | (__u64)li << 36 | (__u64)sa << 40)
#define CLIENT_SYN STATES(3, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3)
#define CLIENT_FIN STATES(6, 7, 2, 5, 5, 5, 6, 7, 8, 9, 5)
#define CLIENT_ACK STATES(1, 1, 2, 1, 4, 5, 6, 7, 6, 9, 1)
#define CLIENT_RST STATES(6, 6, 6, 3, 6, 6, 6, 6, 8, 9, 3)
#define SERVER_SYN STATES(2, 1, 2, 3, 2, 2, 2, 2, 2, 9, 3)
#define SERVER_FIN STATES(5, 4, 2, 5, 4, 5, 6, 5, 8, 9, 5)
#define SERVER_ACK STATES(1, 1, 2, 1, 4, 5, 6, 7, 8, 1, 1)
#define SERVER_RST STATES(6, 6, 2, 6, 6, 5, 6, 6, 6, 6, 6)
#define CLIENT_ONLY_FIN STATES(6, 4, 2, 5, 4, 5, 6, 7, 8, 9, 5)
#define CLIENT_ONLY_RST STATES(6, 6, 6, 3, 6, 6, 6, 6, 8, 9, 6)

static always_inline __u32 next_state(__u32 state, __u32 flags, __u32 connection_flags)
{
	int from_server = (connection_flags & FROM_SERVER) != 0;
	int client_only = (connection_flags & CONNECTION_NO_OUTPUT) != 0;
	__u64 states;

	if (likely(state == ESTABLISHED && (flags & (FLAG_SYN | FLAG_FIN | FLAG_RST | FLAG_ACK)) == FLAG_ACK))
		return ESTABLISHED;
	if (flags & FLAG_RST)
		states = from_server ? SERVER_RST : client_only ? CLIENT_ONLY_RST : CLIENT_RST;
	else if (flags & FLAG_SYN)
		states = from_server ? SERVER_SYN : CLIENT_SYN;
	else if (flags & FLAG_FIN)
		states = from_server ? SERVER_FIN : client_only ? CLIENT_ONLY_FIN : CLIENT_FIN;
	else if (flags & FLAG_ACK)
		states = from_server ? SERVER_ACK : CLIENT_ACK;
	else
		return CLOSE;
	return (states >> (state * 4)) & 0x0f;
}

static always_inline struct Destination *destination_at(__u32 index)
{
	return &destinations[index & (DESTINATIONS_DEFAULT - 1)];
}

/* Moves the connection between its destination's active and inactive ones. */
static always_inline void count_activity(struct CConnection *connection)
{
	int active = (ACTIVE_STATES >> connection->state) & 1;
	int inactive = (connection->flags & CONNECTION_INACTIVE) != 0;

	if (active != inactive || (connection->flags & FROM_SERVER))
		return;
	struct Destination *destination = destination_at(connection->destination);
	connection->flags ^= CONNECTION_INACTIVE;
	__sync_fetch_and_add(&destination->activeConnections, active ? 1 : -1);
	__sync_fetch_and_add(&destination->inactiveConnections, active ? -1 : 1);
}

/* State, timeout and idle time; written only where they differ, so that most packets leave the line clean. */
static always_inline void advance(struct CConnection *connection, struct flow *flow, __u32 now)
{
	__u32 timeout = settings.udpTimeout;

	if (flow->key->protocol == IPPROTO_TCP) {
		__u32 state = next_state(connection->state, flow->tcp_flags, connection->flags);
		if (state != connection->state) {
			connection->state = state;
			count_activity(connection);
		}
		timeout = settings.tcpTimeouts[state & 0x0f];
	}
	if (connection->expires != now + timeout)
		connection->expires = now + timeout;
}

static always_inline struct DestinationCounters *counters_of(__u32 destination)
{
	return bpf_map_lookup_elem(&c_counters, &destination);
}

/* ip_vs_core.c, ip_vs_in(): the client uses its port again. */
static always_inline int starts_anew(struct CConnection *connection, struct flow *flow)
{
	if (flow->key->protocol != IPPROTO_TCP || !(flow->tcp_flags & FLAG_SYN) || sysctls.conn_reuse_mode == 0)
		return 0;
	if (connection->state == TIME_WAIT || connection->state == CLOSE)
		return 1;
	return (sysctls.conn_reuse_mode & 2) && connection->state == FIN_WAIT && (connection->flags & CONNECTION_NO_OUTPUT);
}

/* rr: from the member after the last one chosen, the first that has a weight and is not overloaded. */
#define NO_DESTINATION 0xffffffff
static always_inline __u32 schedule(struct Service *service)
{
	struct SchedulerState *state = &schedulerStates[service->stateAt & (SCHEDULER_STATES_MAX - 1)];
	__u64 before = state->position;
	__u32 place = before;

	for (int tried = 0; tried < MEMBERS_TRIED_MAX && tried < service->membersCount; tried++) {
		place = place < service->membersCount ? place : 0;
		struct Member *member = &members[(service->membersAt + place) & (MEMBERS_DEFAULT - 1)];
		struct Destination *destination = destination_at(member->destination);
		place++;
		if (member->weight == 0 || (destination->flags & (DESTINATION_AVAILABLE | DESTINATION_OVERLOAD)) != DESTINATION_AVAILABLE)
			continue;
		__sync_val_compare_and_swap(&state->position, before, (__u64)place);
		return member->destination;
	}
	return NO_DESTINATION;
}

static always_inline void count_bound(struct Destination *destination, __u32 index)
{
	__u32 inactive = __sync_fetch_and_add(&destination->inactiveConnections, 1) + 1;
	__u32 upper = destination->upperThreshold;
	struct DestinationCounters *counters = counters_of(index);

	if (upper && inactive + destination->activeConnections >= upper)
		destination->flags |= DESTINATION_OVERLOAD;
	if (counters)
		counters->connections += 1;
}

/* A new connection, if the packet is for a service and may begin one: PARSED, or the verdict. */
static always_inline __u32 begin(struct flow *flow, struct CConnection *connection, __u32 now)
{
	struct ServiceKey key = { .address.low = flow->key->destination, .port = flow->key->destinationPort, .protocol = flow->key->protocol, .family = IPV4 };
	struct ServiceSlot *found = bpf_map_lookup_elem(&services, &key);

	if (!found)
		return VERDICT_notOurs;
	__u32 row = servicePlaces[found->slot & (SERVICES_MAX - 1)].rows[settings.generation & 1];
	if (!row)
		return VERDICT_notOurs;
	struct Service *service = &serviceRows[row & (SERVICE_ROWS_MAX - 1)];
	if (flow->key->protocol == IPPROTO_TCP && (flow->tcp_flags & (FLAG_SYN | FLAG_RST)) != FLAG_SYN)
		return VERDICT_notASyn;
	__u32 chosen = schedule(service);
	if (chosen == NO_DESTINATION)
		return VERDICT_noDestination;

	struct Destination *destination = destination_at(chosen);
	*connection = (struct CConnection){
		.address = (__u32)destination->address.low, .port = destination->port, .destination = chosen,
		.flags = destination->method | CONNECTION_INACTIVE | (destination->method == METHOD_MASQ ? 0 : CONNECTION_NO_OUTPUT),
	};
	count_bound(destination, chosen);
	if (destination->method == METHOD_MASQ) {
		struct CConnectionKey answers = {
			.source = (__u32)destination->address.low, .sourcePort = destination->port,
			.destination = flow->key->source, .destinationPort = flow->key->sourcePort, .protocol = flow->key->protocol,
		};
		struct CConnection back = {
			.address = flow->key->destination, .port = flow->key->destinationPort, .destination = chosen,
			.flags = METHOD_MASQ | FROM_SERVER, .state = SYN_RECV, .expires = now + settings.tcpTimeouts[SYN_RECV],
		};
		if (bpf_map_update_elem(&c_connections, &answers, &back, BPF_ANY))
			return VERDICT_tableFull;
	}
	advance(connection, flow, now);
	return bpf_map_update_elem(&c_connections, flow->key, connection, BPF_ANY) ? VERDICT_tableFull : PARSED;
}

/* Asks the kernel for the way to `address`; 0 when this packet cannot go it at XDP. */
static __attribute__((noinline)) int ask(struct xdp_md *ctx, struct Hop *hop, __u32 address, __u32 now)
{
	struct bpf_fib_lookup route = { .family = AF_INET, .tot_len = 1, .ifindex = LOOPBACK_IFINDEX, .ipv4_dst = address };

	if (!hop || bpf_fib_lookup(ctx, &route, sizeof(route), BPF_FIB_LOOKUP_SRC) != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	hop->ifindex = route.ifindex;
	__builtin_memcpy(hop->destination, route.dmac, ETH_ALEN);
	__builtin_memcpy(hop->source, route.smac, ETH_ALEN);
	hop->mtu = route.mtu_result;
	hop->validUntil = now + HOP_VALID_TICKS;
	return 1;
}

static always_inline __u16 fold(__u32 sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return ~((sum >> 16) + sum);
}

/* RFC 1624 eqn. 3; `difference` is the sum of ~m + m' for all that changes. */
static always_inline __u16 replace(__u16 checksum, __u32 difference)
{
	return fold((__u16)~checksum + difference);
}

static always_inline __u32 difference16(__u16 before, __u16 after)
{
	return (__u16)~before + after;
}

static always_inline __u32 difference32(__u32 before, __u32 after)
{
	return (~before & 0xffff) + (~before >> 16) + (after & 0xffff) + (after >> 16);
}

static always_inline void age(struct iphdr *ip)
{
	/* Linux include/net/ip.h, ip_decrease_ttl() */
	__u32 checksum = ip->check + (__u32)be16(0x0100);

	ip->check = checksum + (checksum >= 0xffff);
	ip->ttl--;
}

/* In two moves; __builtin_memcpy() would go by bytes, as the addresses' alignment is one. */
static always_inline void copy_mac(__u8 *to, const __u8 *from)
{
	*(__u32 *)to = *(const __u32 *)from;
	*(__u16 *)(to + 4) = *(const __u16 *)(from + 4);
}

static always_inline int transmit(struct xdp_md *ctx, struct ethernet *ethernet, struct Hop *hop)
{
	copy_mac(ethernet->destination, hop->destination);
	copy_mac(ethernet->source, hop->source);
	return hop->ifindex == ctx->ingress_ifindex && !(hop->flags & HOP_WITHOUT_TX) ? XDP_TX : bpf_redirect(hop->ifindex, 0);
}

static always_inline int forward_route(struct xdp_md *ctx, struct Hop *hop)
{
	void *data = (void *)(long)ctx->data;
	struct ethernet *ethernet = data;
	struct iphdr *ip = data + sizeof(*ethernet);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return drop(VERDICT_rewriteFailed);
	age(ip);
	return transmit(ctx, ethernet, hop);
}

static always_inline int forward_tunnel(struct xdp_md *ctx, __u32 source, __u32 destination, struct Hop *hop)
{
	void *data = (void *)(long)ctx->data;
	struct iphdr *inner = data + sizeof(struct ethernet);

	if ((void *)(inner + 1) > (void *)(long)ctx->data_end)
		return drop(VERDICT_rewriteFailed);
	age(inner);
	__u16 fragmentation = inner->frag_off & be16(IP_DF);
	struct iphdr outer = {
		.version = 4, .ihl = 5, .tos = inner->tos, .tot_len = be16(be16(inner->tot_len) + sizeof(outer)),
		.id = fragmentation ? 0 : inner->id, .frag_off = fragmentation, .ttl = inner->ttl, .protocol = IPPROTO_IPIP,
		.saddr = source, .daddr = destination,
	};
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(outer)))
		return drop(VERDICT_rewriteFailed);

	data = (void *)(long)ctx->data;
	struct ethernet *ethernet = data;
	struct iphdr *ip = data + sizeof(*ethernet);
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return drop(VERDICT_rewriteFailed);
	__u32 sum = 0;
	for (int i = 0; i < sizeof(outer) / 2; i++)
		sum += ((__u16 *)&outer)[i];
	outer.check = fold(sum);
	*ip = outer;
	ethernet->protocol = be16(ETH_P_IP);
	return transmit(ctx, ethernet, hop);
}

/* The request's destination, or the answer's source, becomes address and port. */
static always_inline int forward_masquerade(struct xdp_md *ctx, struct flow *flow, struct CConnection *connection, struct Hop *hop, int from_server)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethernet *ethernet = data;
	struct iphdr *ip = data + sizeof(*ethernet);
	__u32 address = connection->address;
	__u16 port = connection->port;
	__u32 old_address = from_server ? flow->key->source : flow->key->destination;
	__u16 old_port = from_server ? flow->key->sourcePort : flow->key->destinationPort;
	__u32 of_address = difference32(old_address, address);

	if ((void *)(ip + 1) > data_end)
		return drop(VERDICT_rewriteFailed);
	void *transport = data + flow->transport_at;
	if (flow->key->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = transport;
		if ((void *)(tcp + 1) > data_end)
			return drop(VERDICT_rewriteFailed);
		tcp->check = replace(tcp->check, of_address + difference16(old_port, port));
	} else {
		struct udphdr *udp = transport;
		if ((void *)(udp + 1) > data_end)
			return drop(VERDICT_rewriteFailed);
		if (udp->check) {
			__u16 checksum = replace(udp->check, of_address + difference16(old_port, port));
			udp->check = checksum ? checksum : 0xffff;
		}
	}
	ip->check = replace(ip->check, of_address);
	__u16 *ports = transport;
	if (from_server) {
		ip->saddr = address;
		ports[0] = port;
	} else {
		ip->daddr = address;
		ports[1] = port;
	}
	age(ip);
	return transmit(ctx, ethernet, hop);
}

/* A client's packet, on its way to the connection's destination. */
static always_inline int request(struct xdp_md *ctx, struct flow *flow, struct CConnection *connection, __u32 now, int is_new)
{
	struct Destination *destination = destination_at(connection->destination);
	__u32 method = connection->flags & CONNECTION_METHOD_MASK;

	if (unlikely(!(destination->flags & DESTINATION_AVAILABLE)))
		return drop(VERDICT_destinationRemoved);
	if (unlikely(has_passed(destination->hop.validUntil, now)) && !ask(ctx, &destination->hop, (__u32)destination->address.low, now))
		return XDP_PASS;
	if (flow->ttl <= 1 || flow->bytes + (method == METHOD_TUNNEL ? TUNNEL_OVERHEAD : 0) > destination->hop.mtu)
		return XDP_PASS;

	struct DestinationCounters *counters = counters_of(connection->destination);
	if (counters) {
		counters->packetsIn += 1;
		counters->bytesIn += flow->bytes;
	}
	if (!is_new)
		advance(connection, flow, now);
	switch (method) {
	case METHOD_MASQ:
		return forward_masquerade(ctx, flow, connection, &destination->hop, 0);
	case METHOD_TUNNEL:
		return forward_tunnel(ctx, (__u32)destination->tunnelSource.low, (__u32)destination->address.low, &destination->hop);
	case METHOD_ROUTE:
		return forward_route(ctx, &destination->hop);
	default:
		return pass(VERDICT_notOurs);
	}
}

/* A real server's answer, by NAT. */
static always_inline int answer(struct xdp_md *ctx, struct flow *flow, struct CConnection *connection, __u32 now)
{
	struct Hop *hop = &connection->clientHop;

	if (unlikely(has_passed(hop->validUntil, now)) && !ask(ctx, hop, flow->key->destination, now))
		return XDP_PASS;
	if (flow->ttl <= 1 || flow->bytes > hop->mtu)
		return XDP_PASS;

	struct DestinationCounters *counters = counters_of(connection->destination);
	if (counters) {
		counters->packetsOut += 1;
		counters->bytesOut += flow->bytes;
	}
	advance(connection, flow, now);
	return forward_masquerade(ctx, flow, connection, hop, 1);
}

/* A packet of no connection. */
static always_inline int first(struct xdp_md *ctx, struct flow *flow, __u32 now)
{
	struct CConnection connection;
	__u32 verdict = begin(flow, &connection, now);

	if (verdict == VERDICT_tableFull)
		return drop(verdict);
	return verdict == PARSED ? request(ctx, flow, &connection, now, 1) : pass(verdict);
}

SEC("xdp") int c_director(struct xdp_md *ctx)
{
	struct CConnectionKey key = {};
	struct flow flow = { .key = &key };
	__u32 verdict = parse(ctx, &flow);

	if (unlikely(verdict != PARSED))
		return pass(verdict);
	__u32 now = ticks();
	struct CConnection *connection = bpf_map_lookup_elem(&c_connections, &key);
	if (unlikely(!connection || has_passed(connection->expires, now) || starts_anew(connection, &flow)))
		return first(ctx, &flow, now);
	if (connection->flags & FROM_SERVER)
		return answer(ctx, &flow, connection, now);
	return request(ctx, &flow, connection, now, 0);
}
