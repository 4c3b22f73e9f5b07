// Names of hosts and services, which the files of ldirectord and ipvsadm may have in the place of numbers.

import type { Address, Family, Protocol } from "#model/director.js";

export interface ImportNames {
  hostToAddress(host: string, family: Family): Promise<Address | undefined>;
  /** As /etc/services has it. */
  serviceToPort(service: string, protocol: Protocol): number | undefined;
}
