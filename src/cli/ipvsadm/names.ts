// Names for addresses and ports. Hosts are asked of the C library's resolver (/etc/hosts, DNS, whatever nsswitch.conf
// says), as ipvsadm does; ports are looked up in /etc/services.

import type { Address, Protocol } from "#model/director.js";

export interface Names {
  /** The host's first IPv4 address. */
  hostToAddress(host: string): Promise<Address | undefined>;
  addressToHost(address: Address): Promise<string | undefined>;
  serviceToPort(service: string, protocol: Protocol): number | undefined;
  portToService(port: number, protocol: Protocol): string | undefined;
}

/** The contents of /etc/services: "http  80/tcp  www  # comment". Of several lines that fit, the first counts. */
export class ServiceTable {
  readonly #ports = new Map<string, number>();
  readonly #services = new Map<string, string>();

  constructor(text: string) {
    for (const line of text.split("\n")) {
      const [name, endpoint, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
      const [, port, protocol] = /^(\d+)\/(\w+)$/.exec(endpoint ?? "") ?? [];
      if (name === undefined || port === undefined) continue;
      setFirst(this.#services, `${port}/${protocol}`, name);
      for (const alias of [name, ...aliases]) setFirst(this.#ports, `${alias}/${protocol}`, Number(port));
    }
  }

  port(service: string, protocol: Protocol): number | undefined {
    return this.#ports.get(`${service}/${protocol}`);
  }

  service(port: number, protocol: Protocol): string | undefined {
    return this.#services.get(`${port}/${protocol}`);
  }
}

function setFirst<K, V>(map: Map<K, V>, key: K, value: V): void {
  if (!map.has(key)) map.set(key, value);
}
