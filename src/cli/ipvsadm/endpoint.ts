// "host:port" in both directions, as options give it and as lists show it.

import { addressFamily, formatAddress, formatIpv4, parseIpv6 } from "#model/address.js";
import type { Address, DestinationId, Family, Protocol } from "#model/director.js";
import type { Names } from "./names.js";
import { parseLooseIpv4, parseNumber } from "./values.js";

/** ipvsadm.c, addrport_to_anyname(): its buffer, less the final zero. */
const ENDPOINT_CHARACTERS_MAX = 59;

export interface ParsedEndpoint {
  readonly address: Address;
  readonly family: Family;
  /** Undefined: none was given. */
  readonly port: number | undefined;
}

/** "10.0.0.100:80", "www:http", "[fd00::100]:80", "fd00::100"; undefined when it is none of them. */
export async function parseEndpoint(text: string, protocol: Protocol | undefined, names: Names): Promise<ParsedEndpoint | undefined> {
  if (/^\d*$/.test(text)) return undefined;
  let host = text;
  let portText: string | undefined;
  if (text.startsWith("[")) {
    const bracketed = /^\[([^\]]*)\]:(.*)$/s.exec(text);
    if (bracketed === null) return undefined;
    [, host, portText] = bracketed as unknown as [string, string, string];
  }
  const ipv6 = parseIpv6(host);
  if (ipv6 !== undefined) return withPort(formatAddress({ family: 6, words: ipv6 }), portText, protocol, names);
  // What stood behind the brackets of something else than an IPv6 address is forgotten.
  const colon = host.lastIndexOf(":");
  const name = colon < 0 ? host : host.slice(0, colon);
  const address = await parseHost(name, names);
  if (address === undefined) return undefined;
  return withPort(address, colon < 0 ? undefined : host.slice(colon + 1), protocol, names);
}

/** An IPv4 address as inet_aton() reads it, or the name of a host. */
export async function parseHost(text: string, names: Names): Promise<Address | undefined> {
  const ipv4 = parseLooseIpv4(text);
  return ipv4 === undefined ? names.hostToAddress(text) : formatIpv4(ipv4);
}

function withPort(address: Address, text: string | undefined, protocol: Protocol | undefined, names: Names): ParsedEndpoint | undefined {
  const family = addressFamily(address);
  if (text === undefined) return { address, family, port: undefined };
  const port = parseNumber(text, 0, 65535) ?? (protocol && names.serviceToPort(text, protocol));
  return port === undefined ? undefined : { address, family, port };
}

/** Writes an endpoint; a port has a name only where the protocol is one that has ports. */
export type EndpointFormat = (endpoint: DestinationId, protocol: Protocol | undefined) => string;

export const numericEndpoint: EndpointFormat = ({ address, port }) => join(address, address, `${port}`);

/** Asks for all names first: what formats a list is the same with names and without. */
export async function namedEndpoints(addresses: Iterable<Address>, names: Names): Promise<EndpointFormat> {
  const hosts = new Map<Address, string>();
  await Promise.all([...new Set(addresses)].map(async (address) => hosts.set(address, (await names.addressToHost(address)) ?? address)));
  return ({ address, port }, protocol) => join(address, hosts.get(address) ?? address, (protocol && names.portToService(port, protocol)) ?? `${port}`);
}

function join(address: Address, host: string, port: string): string {
  return (addressFamily(address) === 6 ? `[${host}]:${port}` : `${host}:${port}`).slice(0, ENDPOINT_CHARACTERS_MAX);
}
