// The API on a director in memory, asked without a socket. Every answer is held against the schema that the OpenAPI document has for it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ApiOptions } from "#api/app.js";
import { createApi } from "#api/app.js";
import type { DirectorOperationsOptions } from "#api/director-operations.js";
import { DirectorOperations } from "#api/director-operations.js";
import { Problem } from "#api/schemas/problem.js";
import { PROC_FILES, type ProcFile } from "#cli/proc/files.js";
import { EventHub } from "#control/event-hub.js";
import { MemoryPlane } from "#control/memory-plane.js";
import { memoryRecord } from "#control/record.js";
import { MemoryHost } from "#control/settings/memory-host.js";
import { parseConfig } from "#model/config.js";
import type { Director } from "#model/director.js";
import type { MemoryDirectorOptions } from "#model/memory-director.js";
import { MemoryDirector } from "#model/memory-director.js";

// Compiled, this file is dist/out/test/api/memory-api.js.
const documented = JSON.parse(readFileSync(new URL("../../../../docs/openapi.json", import.meta.url), "utf8")) as { readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>> };

export const INTERFACES = new Map([["eth0", 1500], ["eth1", 1500]]);
const PROCESSORS = 2;

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly etag: string | null;
  readonly headers: Headers;
  readonly text: string;
  /** Of JSON. */
  readonly body: any;
}

/** Its beginning. */
async function endless(response: Response): Promise<string> {
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

export interface MemoryApiOptions extends MemoryDirectorOptions {
  readonly director?: Director;
  readonly operations?: Partial<DirectorOperationsOptions>;
  readonly api?: Partial<ApiOptions>;
}

export class MemoryApi {
  readonly director: Director;
  readonly hub = new EventHub();
  readonly plane = new MemoryPlane();
  readonly host = new MemoryHost();
  readonly operations: DirectorOperations;
  readonly api: ReturnType<typeof createApi>;
  readonly failures: Error[] = [];

  constructor({ director, operations = {}, api = {}, ...options }: MemoryApiOptions = {}) {
    this.director = director ?? new MemoryDirector({ interfaces: INTERFACES, ...options });
    this.operations = new DirectorOperations({
      version: "1.2.3", namespace: "net:[1]", hub: this.hub,
      parts: { director: this.director, dataPlane: this.plane, host: this.host, record: memoryRecord() },
      readConfiguration: (text, file) => parseConfig(text, { file, interfaces: [...INTERFACES.keys()] }),
      selectInterfaces: ({ interfaces, mode }) => (interfaces === "all" ? [...INTERFACES.keys()].map((name) => ({ name, mode })) : interfaces),
      proc: (name) => PROC_FILES[name as ProcFile](this.director, PROCESSORS),
      ...operations,
    });
    this.api = createApi({ operations: this.operations, onFailure: (error) => void this.failures.push(error), ...api });
  }

  /** `body`: text as it is, anything else as JSON. */
  async ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const response = await this.api.fetch(new Request(`http://localhost${path}`, {
      method, headers: { ...(body === undefined ? {} : { "content-type": typeof body === "string" ? "application/yaml" : "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }));
    const type = response.headers.get("content-type");
    const text = type === "text/event-stream" && response.body !== null ? await endless(response) : await response.text();
    const answer: Answer = { status: response.status, type, etag: response.headers.get("etag"), headers: response.headers, text, body: method !== "HEAD" && type?.includes("json") && !type.includes("ndjson") ? JSON.parse(text) : undefined };
    this.#check(method, path, answer);
    return answer;
  }

  /** All that a request might change. */
  state(): string {
    const { services, timeouts, sysctls, markRules } = this.operations.running();
    return JSON.stringify([services, timeouts, sysctls, markRules, this.operations.syncDaemons(), this.plane.status(), this.host.values()], (_key, value) => (typeof value === "bigint" ? `${value}n` : value));
  }

  #check(method: string, path: string, { status, type, body, text }: Answer): void {
    const plain = path.split("?")[0]!;
    const route = this.api.routes.find((one) => one.method === method.toLowerCase() && new RegExp(`^${one.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(plain));
    if (route !== undefined) assert.ok(String(status) in documented.paths[route.path]![route.method]!.responses, `${method} ${path} is answered by ${status}, of which docs/openapi.json knows nothing: ${text}`);
    if (status >= 400) {
      if (method === "HEAD") return;
      assert.equal(type, "application/problem+json", `${method} ${path}: ${text}`);
      const problem = Problem.parse(body);
      assert.equal(problem.status, status);
      return;
    }
    if (body !== undefined && method !== "HEAD") route!.answer!.parse(body);
  }
}
