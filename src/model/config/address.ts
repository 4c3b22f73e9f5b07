// Addresses as weir.yaml writes them: alone, with a port ("10.0.0.100:80", "[fd00::100]:80"), with a prefix length.

import { addressFamily, formatAddress, parseAddress } from "../address.js";
import type { Address, Family, ServiceId } from "../director.js";

export interface Endpoint {
  readonly address: Address;
  readonly family: Family;
  readonly port: number | undefined;
}

/** In the usual text form, or undefined when it is none. */
export function readAddress(text: string): { readonly address: Address; readonly family: Family } | undefined {
  const parsed = parseAddress(text);
  return parsed === undefined ? undefined : { address: formatAddress(parsed), family: parsed.family };
}

export function readEndpoint(text: string): Endpoint | undefined {
  const alone = readAddress(text);
  if (alone !== undefined) return { ...alone, port: undefined };
  const parts = /^(?:\[(?<ipv6>[^\]]*:[^\]]*)\]|(?<ipv4>[\d.]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  const address = readAddress(parts?.ipv6 ?? parts?.ipv4 ?? "");
  const port = parts?.port === undefined ? undefined : Number(parts.port);
  if (address === undefined || (port !== undefined && port > 65535)) return undefined;
  return { ...address, port };
}

export function readPrefix(text: string): { readonly address: Address; readonly family: Family; readonly prefixLength: number } | undefined {
  const [host = "", length, ...rest] = text.split("/");
  const address = readAddress(host);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = address.family === 4 ? 32 : 128;
  if (length === undefined) return { ...address, prefixLength: bits };
  return /^\d{1,3}$/.test(length) && Number(length) <= bits ? { ...address, prefixLength: Number(length) } : undefined;
}

/**
 * Why no server can have this address, or undefined. Linux v6.18 net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_new_dest():
 * a destination is unicast, and in IPv6 not link-local.
 */
export function notUnicast(address: Address): string | undefined {
  if (address === "0.0.0.0" || address === "::") return "is no server's address";
  if (/^(22[4-9]|23\d)\./.test(address) || /^ff/i.test(address)) return "is a multicast address";
  if (address === "255.255.255.255") return "is the broadcast address";
  if (/^fe[89ab]/i.test(address)) return "is link-local";
  return undefined;
}

export function familyOf(id: ServiceId): Family;
export function familyOf(id: ServiceId | undefined): Family | undefined;
export function familyOf(id: ServiceId | undefined): Family | undefined {
  if (id === undefined) return undefined;
  return id.kind === "fwmark" ? id.family : addressFamily(id.address);
}
