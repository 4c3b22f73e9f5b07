// The block `api` of weir.yaml: where the daemon's API listens, and who may use it. Whether the files are there, and right, is seen when
// the daemon starts.

import { readEndpoint } from "./address.js";
import type { ReadContext } from "./context.js";
import { readFields, show } from "./fields.js";
import { ApiFields, ApiSocketFields, ApiTlsFields } from "./schema.js";
import type { Address } from "../director.js";

export interface ApiConfiguration {
  readonly socket: ApiSocket;
  /** Undefined: nobody is served over the network. */
  readonly tls: ApiTls | undefined;
}

export interface ApiSocket {
  /** Undefined: that of the network namespace (api/socket-path.ts). */
  readonly path: string | undefined;
  /** Permissions of the socket: who may write to it may ask. */
  readonly mode: number;
  /** By name or number; undefined: root's. */
  readonly group: string | undefined;
}

export interface ApiTls {
  readonly address: Address;
  readonly port: number;
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
  /** Path of the file of tokens (docs/api.md). */
  readonly tokens: string;
}

const SOCKET_MODE = 0o660;
/** Linux include/uapi/linux/un.h: sun_path has 108 bytes, one of which ends it; four are for ".new" (api/local-socket.ts). */
const SOCKET_PATH_BYTES_MAX = 103;

export const DEFAULT_API: ApiConfiguration = { socket: { path: undefined, mode: SOCKET_MODE, group: undefined }, tls: undefined };

export function readApi(value: unknown, context: ReadContext): ApiConfiguration {
  const { socket, tls } = readFields(ApiFields, value, ["api"], context.issues);
  return { socket: readSocket(socket, context), tls: tls === undefined ? undefined : readTls(tls, context) };
}

function readSocket(value: unknown, { issues }: ReadContext): ApiSocket {
  const { path, mode, group } = readFields(ApiSocketFields, value, ["api", "socket"], issues);
  if (path !== undefined && !path.startsWith("/")) issues.add(["api", "socket", "path"], `${show(path)} is not an absolute path; begin it with a slash`);
  if (path !== undefined && Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) issues.add(["api", "socket", "path"], `is ${Buffer.byteLength(path)} bytes long; a socket's path has at most ${SOCKET_PATH_BYTES_MAX}`);
  // YAML 1.2 reads 0660 as six hundred and sixty, and 0o660 as four hundred and thirty-two.
  const isMode = typeof mode === "string" && /^0?[0-7]{3}$/.test(mode);
  if (mode !== undefined && !isMode) issues.add(["api", "socket", "mode"], `${show(mode)} is not a mode; give its digits in quotes, such as "0660"`);
  return { path, mode: isMode ? Number.parseInt(mode, 8) : SOCKET_MODE, group: group === undefined ? undefined : String(group) };
}

function readTls(value: unknown, { issues }: ReadContext): ApiTls | undefined {
  const { listen, certificate, key, tokens } = readFields(ApiTlsFields, value, ["api", "tls"], issues);
  const place = ["api", "tls"];
  if (listen === undefined) issues.missing([...place, "listen"], "give an address with a port, such as 10.0.0.1:8443");
  if (certificate === undefined) issues.missing([...place, "certificate"], "give the path of a PEM file");
  if (key === undefined) issues.missing([...place, "key"], "give the path of a PEM file");
  if (tokens === undefined) issues.missing([...place, "tokens"], "give the path of the file of tokens; without one nobody could be told from anybody");
  const endpoint = listen === undefined ? undefined : readEndpoint(listen);
  if (listen !== undefined && (endpoint?.port === undefined || endpoint.port === 0)) issues.add([...place, "listen"], `${show(listen)} is not an address with a port; give one such as 10.0.0.1:8443 or [::]:8443`);
  if (endpoint?.port === undefined || certificate === undefined || key === undefined || tokens === undefined) return undefined;
  return { address: endpoint.address, port: endpoint.port, certificate, key, tokens };
}
