// How ldirectord checks a server, as checks of weir: by checktype, and where that negotiates by service.

import { isIP } from "node:net";
import { parseAddress } from "#model/address.js";
import type { WrittenCheck, WrittenProbe, WrittenTiming } from "../document.js";
import { defined, writtenTiming } from "../document.js";
import type { Globals } from "./globals.js";
import { INTERVAL_MAX } from "./globals.js";
import type { Real } from "./real.js";
import type { Reading } from "./read.js";
import type { Entry } from "./entries.js";
import type { Options, ServiceName } from "./virtual.js";

/** What is checked, and for whom. */
export interface Checked {
  readonly real: Real;
  /** "10.0.0.1" or the mark, and the port, as programs are told them. */
  readonly virtualName: string;
  readonly virtualPort: number;
  readonly isUdp: boolean;
  /** The port that packets reach the server at; 0: every port. */
  readonly port: number;
  readonly service: ServiceName;
  /** Where a note about the check stands. */
  readonly place: Entry;
}

/** /usr/sbin/ldirectord, set_defaults() and ld_setup(). */
const DEFAULTS = { checkTimeout: 5, negotiateTimeout: 30, checkInterval: 10, checkCount: 1, failureCount: 1 };

/** ld_port_to_service() and ld_service_to_port(). */
const SERVICE_PORTS: { readonly [name in ServiceName]?: number } = {
  ftp: 21, smtp: 25, dns: 53, http: 80, pop: 110, nntp: 119, imap: 143, ldap: 389, https: 443, submission: 587, ldaps: 636, imaps: 993, pops: 995, oracle: 1521,
  radius: 1812, http_proxy: 3128, mysql: 3306, sip: 5060, pgsql: 5432,
};

export function serviceOfPort(port: number): ServiceName {
  return (Object.entries(SERVICE_PORTS).find(([, number]) => number === port)?.[0] ?? "none") as ServiceName;
}

export function writeChecks(checked: Checked, options: Options, globals: Globals, reading: Reading): readonly WrittenCheck[] {
  const times = new Times(options, globals);
  const { checkType } = options;
  if (typeof checkType === "object") {
    // One that negotiates after each so many that connect: both are asked, at their own pace; once a day is the slowest.
    const every = Math.min(times.every * (checkType.connects + 1), INTERVAL_MAX);
    return [connect(checked, options, times, reading), ...negotiate(checked, options, { ...times.negotiate(), every, retryDelay: every }, reading)];
  }
  switch (checkType) {
    case "negotiate": return negotiate(checked, options, times.negotiate(), reading);
    case "connect": return [checked.isUdp ? ping(times) : connect(checked, options, times, reading)];
    case "ping": return [ping(times)];
    case "external": return [external(checked, options, times)];
    case "external-perl":
      reading.report.note(checked.place, `checktype=${checkType}`, "the program is run, as by checktype=external: it must be able to run by itself");
      return [external(checked, options, times)];
    case "on": case "off": return [];
  }
}

/** Of the service, of the file, of ldirectord; the two timeouts stand in for each other. */
class Times {
  readonly every: number;
  readonly failures: number;
  readonly pings: number;
  readonly #checkTimeout: number;
  readonly #negotiateTimeout: number;

  constructor(own: Options, globals: Globals) {
    this.every = (globals.fork ? own.checkInterval : undefined) ?? globals.checkInterval ?? DEFAULTS.checkInterval;
    this.failures = own.failureCount ?? globals.failureCount ?? DEFAULTS.failureCount;
    this.pings = own.checkCount ?? globals.checkCount ?? DEFAULTS.checkCount;
    this.#checkTimeout = own.checkTimeout ?? own.negotiateTimeout ?? globals.checkTimeout ?? globals.negotiateTimeout ?? DEFAULTS.checkTimeout;
    this.#negotiateTimeout = own.negotiateTimeout ?? own.checkTimeout ?? globals.negotiateTimeout ?? globals.checkTimeout ?? DEFAULTS.negotiateTimeout;
  }

  check(): Required<WrittenTiming> {
    return { every: this.every, timeout: this.#checkTimeout, retries: this.failures - 1, retryDelay: this.every, warmup: 0 };
  }

  negotiate(): Required<WrittenTiming> {
    return { ...this.check(), timeout: this.#negotiateTimeout };
  }
}

function ping(times: Times): WrittenCheck {
  return { type: "ping", ...briefly({ ...times.check(), retries: times.failures * times.pings - 1 }) };
}

function connect(checked: Checked, options: Options, times: Times, reading: Reading): WrittenCheck {
  return { type: "tcp", ...writtenPort(checked, options, reading), ...briefly(times.check()) };
}

/** system_timeout(): no shell; the command's text is the program's name. */
function external({ real, virtualName, virtualPort }: Checked, { checkCommand }: Options, times: Times): WrittenCheck {
  return { type: "script", command: [checkCommand, virtualName, String(virtualPort), bracketed(real.address), String(real.port)], ...briefly(times.check()) };
}

const UNKNOWN: readonly ServiceName[] = ["ftp", "http_proxy", "imap", "imaps", "ldap", "ldaps", "mysql", "nntp", "oracle", "pgsql", "pop", "pops", "radius", "simpletcp", "sip"];

function negotiate(checked: Checked, options: Options, timing: Required<WrittenTiming>, reading: Reading): readonly WrittenCheck[] {
  const { service, isUdp, place } = checked;
  if (service === "none") return [];
  if (UNKNOWN.includes(service)) {
    reading.report.note(place, `service=${service}`, `weir has no check for ${service} as yet; ${isUdp ? "a ping stands" : "a connection by TCP stands"} in for it`);
    return [isUdp ? { type: "ping", ...briefly(timing) } : { type: "tcp", ...writtenPort(checked, options, reading), ...briefly(timing) }];
  }
  const port = writtenPort(checked, options, reading);
  if (service === "http" || service === "https") {
    const { probe, target } = http(service, checked, options, reading);
    return [{ ...probe, ...port, ...target, ...briefly(timing) }];
  }
  if (service === "dns") return [{ ...dns(checked, options, reading), ...port, ...briefly(timing) }];
  return [{ type: "smtp", ...port, ...briefly(timing) }];
}

/** check_http(): any status of success, and what receive= says somewhere in the body. */
function http(type: "http" | "https", { real, place }: Checked, options: Options, reading: Reading): { probe: WrittenProbe; target: { address?: string; port?: number } } {
  const own = real.request !== undefined && real.receive !== undefined;
  const asked = real.request ?? options.request ?? "/";
  const url = own && asked.includes("://") ? readUrl(asked.replace(/^\/*/, ""), type, place, reading) : undefined;
  const path = url?.path ?? (asked.startsWith("/") ? asked : `/${asked}`);
  const body = real.request !== undefined ? real.receive : options.receive && reading.expression(options.receive.entry, options.receive.source);
  const method = options.httpMethod === "HEAD" ? "HEAD" as const : undefined;
  if (method === "HEAD" && body !== undefined) reading.report.mistake(options.receive?.entry ?? real.entry, "a HEAD request gets no body that receive could look at; take one of the two away");
  return {
    probe: { type, ...defined({ path, host: options.virtualhost ?? url?.host, method, body }), ...(type === "https" ? { sni: false } : {}) },
    target: defined({ address: url?.address, port: url?.port }),
  };
}

/** A request that names its own server: "http://10.0.0.9:8080/path". */
function readUrl(text: string, type: string, place: Entry, { report }: Reading): { path: string; host: string | undefined; address: string | undefined; port: number } | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== `${type}:`) {
    report.mistake(place, `request ${JSON.stringify(text)} is no URL of ${type}; write ${type}://HOST[:PORT]/PATH, or a path alone`);
    return undefined;
  }
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isAddress = isIP(name) !== 0 && parseAddress(name) !== undefined;
  if (!isAddress) report.note(place, `request ${text}`, `the real server is asked for it, as ${name}; a check of weir's asks at an address`);
  return { path: `${url.pathname}${url.search}`, host: isAddress ? undefined : name, address: isAddress ? name : undefined, port: Number(url.port || (type === "https" ? 443 : 80)) };
}

/** check_dns(): the name of an A record, or an address whose name is asked for. */
function dns({ real, isUdp, place }: Checked, options: Options, { report }: Reading): WrittenProbe {
  const asked = (real.request ?? options.request ?? "").replace(/^\//, "");
  const reversed = isIP(asked) === 4 ? `${asked.split(".").reverse().join(".")}.in-addr.arpa` : undefined;
  if (asked === "") report.note(place, "service=dns", "has no request; the root's SOA record is asked for");
  if ((real.receive ?? options.receive?.source) !== undefined) report.note(options.receive?.entry ?? real.entry, "receive", "left out; weir's dns check takes every answer that is no error");
  if (!isUdp) report.note(place, "service=dns", "asks over UDP; weir has no dns check over TCP");
  return asked === "" ? { type: "dns" } : { type: "dns", record: reversed === undefined ? "A" : "PTR", name: reversed ?? asked };
}

/** ld_checkport(): checkport, the server's own, or what is usual for the service. */
function writtenPort({ real, port: reached, service }: Checked, { checkPort }: Options, { report }: Reading): { port?: number } {
  const own = real.port > 0 ? real.port : undefined;
  const port = checkPort ?? own ?? (reached > 0 ? reached : SERVICE_PORTS[service]);
  if (port === undefined) {
    report.mistake(real.entry, `${real.entry.key}: the server has no port, so its check needs one; give checkport, or the server a port`);
    return {};
  }
  return port === reached ? {} : { port };
}

/** Without a retry, the time before one says nothing. */
function briefly({ retryDelay, ...timing }: Required<WrittenTiming>): WrittenTiming {
  return writtenTiming({ ...timing, retryDelay: timing.retries === 0 ? 1 : retryDelay });
}

export const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);
