// This machine's names. Nothing is loaded or read before a command has or wants a name: with -n none does.

import { readFileSync } from "node:fs";
import type { Names } from "./names.js";
import { ServiceTable } from "./names.js";

let services: ServiceTable | undefined;

export const systemNames: Names = {
  async hostToAddress(host) {
    // The C library takes digits and dots for an address, never for a name to ask DNS about.
    if (host === "" || /^[\d.]+$/.test(host)) return undefined;
    const { lookup } = await import("node:dns/promises");
    return lookup(host, { family: 4 }).then(({ address }) => address, () => undefined);
  },

  async addressToHost(address) {
    const { lookupService } = await import("node:dns/promises");
    return lookupService(address, 0).then(({ hostname }) => hostname, () => undefined);
  },

  serviceToPort: (service, protocol) => serviceTable().port(service, protocol),
  portToService: (port, protocol) => serviceTable().service(port, protocol),
};

function serviceTable(): ServiceTable {
  return (services ??= new ServiceTable(readServices()));
}

/** Without the file, ports have no names. */
function readServices(): string {
  try {
    return readFileSync("/etc/services", "utf8");
  } catch {
    return "";
  }
}
