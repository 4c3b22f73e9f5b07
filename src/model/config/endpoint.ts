// Where a service or a server is, by its keys address and port.

import type { Endpoint } from "./address.js";
import { readEndpoint } from "./address.js";
import type { ConfigPath } from "./error.js";
import { show } from "./fields.js";
import type { IssueList } from "./source.js";

export interface EndpointKeys {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** address and port of a service or a destination; the port may stand in either key. */
export function readEndpointKeys(keys: EndpointKeys, path: ConfigPath, example: string, issues: IssueList): Endpoint | undefined {
  if (keys.address === undefined) return undefined;
  const endpoint = readEndpoint(keys.address);
  if (endpoint === undefined) {
    issues.add([...path, "address"], `${show(keys.address)} is not an address; give one such as ${example}, with the port as port`);
    return undefined;
  }
  if (endpoint.port !== undefined && keys.port !== undefined && endpoint.port !== keys.port) {
    issues.add([...path, "port"], `${keys.port} is not the port in the address, ${endpoint.port}; keep one of them`);
  }
  return { ...endpoint, port: endpoint.port ?? keys.port };
}
