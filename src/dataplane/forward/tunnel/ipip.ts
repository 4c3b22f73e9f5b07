// IP in IP: RFC 2003, RFC 2473, RFC 4213. Nothing stands between the headers.

import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_IPIP } from "#wire/ipv4.js";
import { IPPROTO_IPV6 } from "#wire/ipv6.js";
import { FAMILY, IPV6 } from "../../config.js";

/** The kernel's flags for the room that it takes: none. */
export const IPIP_ROOM = 0n;

/** What the outer header calls the packet inside. */
export function ipipProtocol(): IpProtocol {
  return FAMILY === IPV6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}
