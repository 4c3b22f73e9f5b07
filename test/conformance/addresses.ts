// Who takes part in a script, family by family: of packets/network.ts, the same hosts.

import { addressFamily } from "#model/address.js";
import { VIP, VIP6, client, client6, distantClient, distantClient6, gateway, gateway6, remote, remote6, router, router6, servers, servers6 } from "../packets/network.js";
import type { End } from "../packets/frame.js";
import type { Host } from "../packets/network.js";

export interface Addresses {
  readonly family: 4 | 6;
  /** The director has both; services are at either. */
  readonly virtual: readonly [string, string];
  readonly servers: readonly Host[];
  /** A server behind the gateway. */
  readonly remote: Host;
  readonly client: Host;
  /** Behind the router. */
  readonly distantClient: (number: number) => Host;
  readonly router: Host;
  readonly gateway: Host;
}

export const ipv4Addresses: Addresses = { family: 4, virtual: [VIP, "10.0.0.101"], servers, remote, client, distantClient, router, gateway };
export const ipv6Addresses: Addresses = {
  family: 6, virtual: [VIP6, "fd00::101"], servers: servers6, remote: remote6, client: client6, distantClient: distantClient6, router: router6, gateway: gateway6,
};

export const addressesOf = (address: string): Addresses => (addressFamily(address) === 6 ? ipv6Addresses : ipv4Addresses);

/** As ipvsadm takes it. */
export const endText = ({ address, port }: End): string => (addressFamily(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`);
