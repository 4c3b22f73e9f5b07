// The package's main entry: a director's daemon, asked from TypeScript. It loads nothing of the compiler or of the kernel layer.
//
//   import { connect } from "weir";
//   const weir = connect();
//   await weir.services.add({ protocol: "tcp", address: "10.0.0.100", port: 80, scheduler: "wrr" });
//   for await (const event of weir.events()) console.log(event);

import { setTimeout } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Dispatcher } from "undici";
import { WeirApiError, WeirConnectionError } from "./client-error.js";
import type { Applied, Plan, Running } from "./schemas/configuration.js";
import type { Connection, ConnectionFilters, ConnectionPage } from "./schemas/connection.js";
import type { Totals } from "./schemas/counters.js";
import type { Destination, DestinationInput, DestinationPatch } from "./schemas/destination.js";
import type { Event } from "./schemas/event.js";
import type { Health } from "./schemas/health.js";
import type { MarkRule } from "./schemas/mark.js";
import type { Problem } from "./schemas/problem.js";
import type { Service, ServiceInput, ServicePatch } from "./schemas/service.js";
import type { About, Status, Verdicts } from "./schemas/status.js";
import type { SyncDaemon, SyncDaemonInput } from "./schemas/sync-daemon.js";
import type { Sysctls, SysctlsPatch } from "./schemas/sysctls.js";
import type { Timeouts, TimeoutsPatch } from "./schemas/timeouts.js";
import { apiSocketPath } from "./socket-path.js";

export { WeirApiError, WeirConnectionError } from "./client-error.js";
export type {
  About, Applied, Connection, ConnectionFilters, ConnectionPage, Destination, DestinationInput, DestinationPatch, Event, Health, MarkRule, Plan, Problem, Running, Service,
  ServiceInput, ServicePatch, Status, SyncDaemon, SyncDaemonInput, Sysctls, SysctlsPatch, Timeouts, TimeoutsPatch, Totals, Verdicts,
};
export type { Issue } from "./schemas/problem.js";
export type { Counters, Rates } from "./schemas/counters.js";

/** Nothing: the daemon of this network namespace, by its socket. */
export type ConnectOptions =
  | { readonly socket?: string | undefined }
  | {
    /** "https://10.0.0.1:8443" */
    readonly url: string;
    readonly token: string;
    /** Of the authority that signed its certificate, in PEM; left out: those that the machine trusts. */
    readonly ca?: string | undefined;
  };

/** "tcp/10.0.0.100:80", "fwmark/3": the id of a service. */
export type ServiceName = string;
/** "192.168.1.11:80": the id of a destination. */
export type DestinationName = string;

export interface ChangeOptions {
  /** What this client was told before of the same thing: when it is another by now, nothing is changed, and CHANGED is thrown. */
  readonly ifUnchanged?: object | undefined;
}

export interface DocumentOptions extends ChangeOptions {
  /** As messages name it. */
  readonly file?: string | undefined;
}

export interface EventOptions {
  /** The id of the last event that was seen. */
  readonly after?: string | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** Connects when something is asked. */
export function connect(options: ConnectOptions = {}): WeirClient {
  return new WeirClient(options);
}

interface Asked extends ChangeOptions {
  readonly query?: { readonly [key: string]: string | number | undefined };
  readonly body?: unknown;
  readonly headers?: { readonly [name: string]: string };
  readonly signal?: AbortSignal | undefined;
}

type Answer = Awaited<ReturnType<typeof request>>;

export class WeirClient {
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #token: string | undefined;
  /** The ETags of what was answered. */
  readonly #tags = new WeakMap<object, string>();

  constructor(options: ConnectOptions) {
    // No timeout for a body: events come when they come.
    const common = { bodyTimeout: 0 } as const;
    if ("url" in options) {
      this.#origin = options.url.replace(/\/+$/, "");
      this.#token = options.token;
      this.#agent = new Agent({ ...common, connect: options.ca === undefined ? {} : { ca: options.ca } });
    } else {
      this.#origin = "http://localhost";
      this.#agent = new Agent({ ...common, connect: { socketPath: options.socket ?? apiSocketPath() } });
    }
  }

  readonly services = {
    list: async (): Promise<readonly Service[]> => this.#listed(await this.#json<{ services: Service[] }>("GET", "/v1/services"), ({ services }) => services),
    get: (service: ServiceName): Promise<Service> => this.#json("GET", servicePath(service)),
    add: (service: ServiceInput, options?: ChangeOptions): Promise<Service> => this.#json("POST", "/v1/services", { ...options, body: service }),
    /** What is left out stays. */
    edit: (service: ServiceName, changes: ServicePatch, options?: ChangeOptions): Promise<Service> => this.#json("PATCH", servicePath(service), { ...options, body: changes }),
    delete: (service: ServiceName, options?: ChangeOptions): Promise<void> => this.#done("DELETE", servicePath(service), options),
    /** Deletes all. */
    clear: (options?: ChangeOptions): Promise<void> => this.#done("DELETE", "/v1/services", options),
    /** Begins its counters anew, and its destinations'. */
    zero: (service: ServiceName): Promise<void> => this.#done("POST", `${servicePath(service)}/zero`),
  };

  readonly destinations = {
    list: async (service: ServiceName): Promise<readonly Destination[]> =>
      this.#listed(await this.#json<{ destinations: Destination[] }>("GET", `${servicePath(service)}/destinations`), ({ destinations }) => destinations),
    get: (service: ServiceName, destination: DestinationName): Promise<Destination> => this.#json("GET", destinationPath(service, destination)),
    add: (service: ServiceName, destination: DestinationInput, options?: ChangeOptions): Promise<Destination> =>
      this.#json("POST", `${servicePath(service)}/destinations`, { ...options, body: destination }),
    /** What is left out stays. */
    edit: (service: ServiceName, destination: DestinationName, changes: DestinationPatch, options?: ChangeOptions): Promise<Destination> =>
      this.#json("PATCH", destinationPath(service, destination), { ...options, body: changes }),
    delete: (service: ServiceName, destination: DestinationName, options?: ChangeOptions): Promise<void> => this.#done("DELETE", destinationPath(service, destination), options),
  };

  readonly connections = {
    page: (filters: ConnectionFilters & { readonly limit?: number; readonly after?: number } = {}): Promise<ConnectionPage> => this.#json("GET", "/v1/connections", { query: filters }),
    /** One after another, however many there are. */
    all: (filters: ConnectionFilters = {}): AsyncGenerator<Connection> => this.#connections(filters),
  };

  readonly timeouts = {
    get: (): Promise<Timeouts> => this.#json("GET", "/v1/timeouts"),
    set: (timeouts: TimeoutsPatch): Promise<Timeouts> => this.#json("PATCH", "/v1/timeouts", { body: timeouts }),
  };

  readonly sysctls = {
    get: (): Promise<Sysctls> => this.#json("GET", "/v1/sysctls"),
    set: (values: SysctlsPatch): Promise<Sysctls> => this.#json("PATCH", "/v1/sysctls", { body: values }),
  };

  readonly marks = {
    list: async (): Promise<readonly MarkRule[]> => (await this.#json<{ marks: MarkRule[] }>("GET", "/v1/marks")).marks,
    set: async (marks: readonly MarkRule[]): Promise<readonly MarkRule[]> => (await this.#json<{ marks: MarkRule[] }>("PUT", "/v1/marks", { body: { marks } })).marks,
  };

  readonly syncDaemons = {
    list: async (): Promise<readonly SyncDaemon[]> => (await this.#json<{ daemons: SyncDaemon[] }>("GET", "/v1/sync-daemons")).daemons,
    start: (daemon: SyncDaemonInput): Promise<SyncDaemon> => this.#json("POST", "/v1/sync-daemons", { body: daemon }),
    stop: (role: SyncDaemon["role"]): Promise<void> => this.#done("DELETE", `/v1/sync-daemons/${role}`),
  };

  about(): Promise<About> { return this.#json("GET", "/v1"); }
  status(): Promise<Status> { return this.#json("GET", "/v1/status"); }
  verdicts(): Promise<Verdicts> { return this.#json("GET", "/v1/verdicts"); }
  health(): Promise<Health> { return this.#json("GET", "/v1/health"); }
  totals(): Promise<Totals> { return this.#json("GET", "/v1/totals"); }
  /** Begins all counters anew. */
  zero(): Promise<void> { return this.#done("POST", "/v1/zero"); }
  /** What runs, as weir.yaml would say it. */
  configuration(): Promise<Running> { return this.#json("GET", "/v1/configuration"); }
  openapi(): Promise<Record<string, unknown>> { return this.#json("GET", "/v1/openapi.json"); }

  /** What /proc/net/ip_vs and its siblings print. */
  async proc(name: string): Promise<string> {
    return (await this.#ask("GET", `/v1/proc/${encodeURIComponent(name)}`)).body.text();
  }

  /** `document`: the text of weir.yaml, or what it says as an object. Changes nothing. */
  plan(document: string | object, { file }: DocumentOptions = {}): Promise<Plan> {
    return this.#json("POST", "/v1/plan", { query: { file }, ...documentOf(document) });
  }

  /** The same; the director becomes what it says. */
  apply(document: string | object, { file, ifUnchanged }: DocumentOptions = {}): Promise<Applied> {
    return this.#json("POST", "/v1/apply", { query: { file }, ifUnchanged, ...documentOf(document) });
  }

  /** Stops forwarding, and takes back what was changed on the machine. */
  down(options?: ChangeOptions): Promise<Applied> {
    return this.#json("POST", "/v1/down", options);
  }

  /**
   * What happens to the director, as it happens, from the moment of the first call of next(). When the connection is lost it is made anew,
   * and what came meanwhile follows; "missed" says that some of it is no longer known. Throws when the daemon cannot be reached at first.
   */
  async *events({ after, signal }: EventOptions = {}): AsyncGenerator<Event> {
    const isOver = (): boolean => signal?.aborted === true;
    let [last, wasThere] = [after, false];
    while (!isOver()) {
      try {
        const { body } = await this.#ask("GET", "/v1/events", { signal, headers: { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) } });
        wasThere = true;
        for await (const { id, data } of readEvents(body)) {
          if (id !== undefined) last = id;
          if (data !== undefined) yield JSON.parse(data) as Event;
        }
      } catch (error) {
        if (isOver()) return;
        if (!wasThere || error instanceof WeirApiError) throw error;
      }
      await pause(RETRY_MILLISECONDS, signal);
    }
  }

  /** Lets go of its connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async *#connections(filters: ConnectionFilters): AsyncGenerator<Connection> {
    const { body } = await this.#ask("GET", "/v1/connections", { query: filters, headers: { accept: "application/x-ndjson" } });
    for await (const line of readLines(body)) yield JSON.parse(line) as Connection;
  }

  /** The list is what the caller has, and what stands for it later. */
  #listed<A extends object, T extends object>(answer: A, listOf: (answer: A) => T): T {
    const list = listOf(answer);
    const tag = this.#tags.get(answer);
    if (tag !== undefined) this.#tags.set(list, tag);
    return list;
  }

  async #done(method: Dispatcher.HttpMethod, path: string, asked?: Asked): Promise<void> {
    await (await this.#ask(method, path, asked)).body.dump();
  }

  async #json<T extends object>(method: Dispatcher.HttpMethod, path: string, asked?: Asked): Promise<T> {
    const { headers, body } = await this.#ask(method, path, asked);
    const answer = await body.json() as T;
    if (typeof headers["etag"] === "string") this.#tags.set(answer, headers["etag"]);
    return answer;
  }

  /** Throws WeirApiError for an answer that is none, WeirConnectionError where there is none. */
  async #ask(method: Dispatcher.HttpMethod, path: string, { query = {}, body, headers = {}, ifUnchanged, signal }: Asked = {}): Promise<Answer> {
    const tag = ifUnchanged === undefined ? undefined : this.#tags.get(ifUnchanged);
    if (ifUnchanged !== undefined && tag === undefined) throw new TypeError("ifUnchanged is not what this client was answered");
    const answer = await this.#send(`${this.#origin}${path}${queryText(query)}`, {
      method, dispatcher: this.#agent, ...(signal === undefined ? {} : { signal }),
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }), ...(tag === undefined ? {} : { "if-match": tag }),
        ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    if (answer.statusCode < 400) return answer;
    const text = await answer.body.text();
    throw new WeirApiError(problemIn(text) ?? { type: "about:blank", title: "No problem of weir's", status: answer.statusCode, code: "FAILED", detail: text });
  }

  async #send(url: string, options: Parameters<typeof request>[1]): Promise<Answer> {
    try {
      return await request(url, options);
    } catch (error) {
      if ((error as Error).name === "AbortError") throw error;
      throw new WeirConnectionError(`Cannot ask the director at ${this.#origin}: ${(error as Error).message}`, { cause: error });
    }
  }
}

const RETRY_MILLISECONDS = 1000;

function servicePath(service: ServiceName): string {
  const at = service.indexOf("/");
  return `/v1/services/${encodeURIComponent(service.slice(0, at))}/${encodeURIComponent(service.slice(at + 1))}`;
}

const destinationPath = (service: ServiceName, destination: DestinationName): string => `${servicePath(service)}/destinations/${encodeURIComponent(destination)}`;

function documentOf(document: string | object): Pick<Asked, "body" | "headers"> {
  return { body: document, headers: { "content-type": typeof document === "string" ? "application/yaml" : "application/json" } };
}

function queryText(query: { readonly [key: string]: string | number | undefined }): string {
  const pairs = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`]));
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function problemIn(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Problem;
    return typeof problem.code === "string" ? problem : undefined;
  } catch {
    return undefined;
  }
}

/** WHATWG HTML section 9.2.6, as far as weir sends it. */
async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly id: string | undefined; readonly data: string | undefined }> {
  let [id, data]: [string | undefined, string | undefined] = [undefined, undefined];
  for await (const line of readLines(body, true)) {
    if (line === "" && data !== undefined) yield { id, data };
    if (line === "") [id, data] = [undefined, undefined];
    else if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("data: ")) data = line.slice(6);
  }
}

async function* readLines(body: AsyncIterable<Uint8Array>, withEmpty = false): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (withEmpty || line !== "") yield line;
  }
  if (rest !== "") yield rest;
}

/** Ends at once when nobody waits any more. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal }).catch(() => {});
}
