// AH and ESP have no ports, and begin no connection: they go along with the one by which their ends exchange keys.
// Linux v6.12 net/netfilter/ipvs/ip_vs_proto_ah_esp.c, ah_esp_conn_fill_param_proto(), ah_esp_conn_schedule().

import { be16 } from "#layout/numbers.js";
import { IPPROTO_UDP } from "#wire/ipv4.js";

/** RFC 2408 section 2.5.1: "isakmp", on either side. */
export const KEY_EXCHANGE_PORT = be16(500);
export const KEY_EXCHANGE_PROTOCOL = IPPROTO_UDP;
