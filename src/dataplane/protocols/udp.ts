// UDP has one state. Linux v6.12 net/netfilter/ipvs/ip_vs_proto_udp.c, udp_state_transition(): every packet of either
// side starts the idle time anew; the connection counts as inactive.

/** Linux include/net/ip_vs.h, IP_VS_UDP_S_NORMAL. */
export const UDP_NORMAL = 0;
