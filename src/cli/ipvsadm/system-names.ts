// This machine's names. Loaded only where a command has or wants any: -n needs none of it.

import { lookup, lookupService } from "node:dns/promises";
import { readFileSync } from "node:fs";
import type { Names } from "./names.js";
import { ServiceTable } from "./names.js";

let services: ServiceTable | undefined;

export const systemNames: Names = {
  async hostToAddress(host) {
    // The C library takes digits and dots for an address, never for a name to ask DNS about.
    if (host === "" || /^[\d.]+$/.test(host)) return undefined;
    return lookup(host, { family: 4 }).then(({ address }) => address, () => undefined);
  },

  async addressToHost(address) {
    return lookupService(address, 0).then(({ hostname }) => hostname, () => undefined);
  },

  serviceToPort: (service, protocol) => serviceTable().port(service, protocol),
  portToService: (port, protocol) => serviceTable().service(port, protocol),
};

function serviceTable(): ServiceTable {
  return (services ??= new ServiceTable(readServices()));
}

/** Without the file there are no names of services. */
function readServices(): string {
  try {
    return readFileSync("/etc/services", "utf8");
  } catch {
    return "";
  }
}
