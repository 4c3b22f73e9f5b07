// Which destination a connection that another director tells of goes to here. Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c,
// ip_vs_find_dest(), ip_vs_service_find(). Read off the configuration once, and again when that has changed.

import { decode } from "#layout/codec.js";
import { host16 } from "#layout/numbers.js";
import * as maps from "#dataplane/maps.js";
import { NO_DESTINATION } from "#dataplane/member.js";
import { FTP_DATA_PORT, FTP_PORT } from "#wire/ftp.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { toBe16 } from "../encode.js";
import { MemberLists } from "../members.js";
import { Rows } from "../rows.js";
import { ServiceTable } from "../service-table.js";
import type { Store } from "../store.js";
import type { SyncAddress, SyncConnection } from "./message.js";

/** By endName(). */
type Servers = ReadonlyMap<string, number>;

export class Bindings {
  readonly #table: ServiceTable;
  readonly #lists: MemberLists;
  readonly #destinations: Rows<typeof maps.destinations.value>;
  readonly #settings: Rows<typeof maps.settings.value>;
  #generation = -1;
  #services: ReadonlyMap<string, Servers> = new Map();

  constructor(store: Store) {
    this.#table = new ServiceTable(store);
    this.#lists = new MemberLists(store);
    this.#destinations = new Rows(store, maps.destinations);
    this.#settings = new Rows(store, maps.settings);
  }

  /** Whether the configuration is another than when this was asked last. */
  refresh(): boolean {
    const generation = this.#settings.number(0, "generation");
    if (generation === this.#generation) return false;
    this.#services = new Map(this.#table.read().map(({ key, row }) => [serviceName(decode(maps.ServiceKey, key)), this.#serversOf(row)]));
    this.#generation = generation;
    return true;
  }

  /** In `destinations`; NO_DESTINATION: there is none here. */
  find(connection: SyncConnection): number {
    const servers = this.#serversFor(connection);
    if (servers === undefined) return NO_DESTINATION;
    const { server, serverPort, mark, flags } = connection;
    const isAnyPort = mark !== 0 && (flags & maps.CONNECTION_METHOD_MASK) !== maps.METHOD_MASQ;
    const ports = isAnyPort ? [ANY_PORT, serverPort] : [serverPort, ANY_PORT];
    for (const port of ports) {
      const found = servers.get(endName(server, port));
      if (found !== undefined) return found;
    }
    return NO_DESTINATION;
  }

  #serversFor({ family, protocol, virtual, virtualPort, mark }: SyncConnection): Servers | undefined {
    const at = (port: number) => this.#services.get(serviceName({ family, protocol, address: virtual, port, mark: 0 }));
    const marked = mark === 0 ? undefined : this.#services.get(serviceName({ family, protocol: 0, address: NO_ADDRESS, port: ANY_PORT, mark }));
    const port = host16(virtualPort);
    const mayBeFtpData = protocol === IPPROTO_TCP && (port === FTP_DATA_PORT || port >= UNPRIVILEGED_PORT_MIN);
    return marked ?? at(virtualPort) ?? (mayBeFtpData ? at(toBe16(FTP_PORT)) : undefined) ?? at(ANY_PORT);
  }

  #serversOf(row: Parameters<MemberLists["read"]>[0]): Servers {
    return new Map(this.#lists.read(row).map(({ destination }) => {
      const { address, port } = this.#destinations.pick(destination, "address", "port");
      return [endName(address, port), destination];
    }));
  }
}

const ANY_PORT = toBe16(0);
const NO_ADDRESS = { high: 0n, low: 0n };
/** dataplane/service.ts */
const UNPRIVILEGED_PORT_MIN = 1024;

const endName = ({ high, low }: SyncAddress, port: number): string => `${high} ${low} ${port}`;

function serviceName({ family, protocol, address, port, mark }: { readonly family: number; readonly protocol: number; readonly address: SyncAddress; readonly port: number; readonly mark: number }): string {
  return mark !== 0 ? `${family} mark ${mark}` : `${family} ${protocol} ${endName(address, port)}`;
}
