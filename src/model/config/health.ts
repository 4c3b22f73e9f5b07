// Health checks as weir.yaml writes them, at a destination, its service or under defaults, and what becomes of servers that fail
// them: model/health.ts.

import type { ConfigPath } from "./error.js";
import { addressFamily } from "../address.js";
import { readEndpoint } from "./address.js";
import { readEndpointKeys } from "./endpoint.js";
import type { Fields } from "./fields.js";
import { isMapping, readFields, remedy, show } from "./fields.js";
import { CHECK_FIELDS, CHECK_TYPES, QuorumFields, ReplyFields, RequestFields } from "./schema.js";
import type { CommandKeys } from "./command.js";
import { readCommand, readNotification } from "./command.js";
import type { IssueList } from "./source.js";
import type { Address } from "../director.js";
import type { Check, CheckTarget, Command, DestinationHealth, HttpRequest, Probe, ServiceHealth, UdpProbe } from "../health.js";

type CheckKeys = { readonly [T in keyof typeof CHECK_FIELDS]: Fields<(typeof CHECK_FIELDS)[T]> };
type HttpKeys = CheckKeys["https"];

/** As the keys stand in the file. */
export interface HealthKeys {
  readonly checks?: readonly unknown[] | undefined;
  readonly onFailure?: DestinationHealth["onFailure"] | undefined;
  readonly startsDown?: boolean | undefined;
  readonly notifyUp?: CommandKeys | undefined;
  readonly notifyDown?: CommandKeys | undefined;
}

/** What a destination may leave to its service, and a service to the defaults; what none says is undefined. */
export interface HealthSettings {
  readonly checks?: readonly Check[] | undefined;
  readonly onFailure?: DestinationHealth["onFailure"] | undefined;
  readonly startsDown?: boolean | undefined;
  readonly notifyUp?: Command | undefined;
  readonly notifyDown?: Command | undefined;
}

/** keepalived checks every 60 s and retries once (HTTP: three times) with 1 s (3 s) between; a minute is long for a server that is gone. */
const TIMING = { every: 10, timeout: 5, retries: 1, retryDelay: 1, warmup: 0 };

export function readHealthSettings(keys: HealthKeys, path: ConfigPath, issues: IssueList): HealthSettings {
  return {
    checks: keys.checks?.flatMap((check, i) => readCheck(check, [...path, "checks", i], issues) ?? []),
    onFailure: keys.onFailure,
    startsDown: keys.startsDown,
    notifyUp: readNotification(keys.notifyUp, [...path, "notifyUp"], issues),
    notifyDown: readNotification(keys.notifyDown, [...path, "notifyDown"], issues),
  };
}

/** What `own` does not say, `outer` does. */
export function inheritHealth(own: HealthSettings, outer: HealthSettings = {}): HealthSettings {
  return {
    checks: own.checks ?? outer.checks,
    onFailure: own.onFailure ?? outer.onFailure,
    startsDown: own.startsDown ?? outer.startsDown,
    notifyUp: own.notifyUp ?? outer.notifyUp,
    notifyDown: own.notifyDown ?? outer.notifyDown,
  };
}

export function destinationHealth({ checks = [], onFailure = "remove", startsDown = false, notifyUp, notifyDown }: HealthSettings): DestinationHealth {
  return { checks, onFailure, startsDown, notify: { up: notifyUp, down: notifyDown } };
}

/** The first that asks at the port of its server. */
export function checkWithoutPort({ checks }: DestinationHealth): Check | undefined {
  return checks.find(({ type, port }) => port === undefined && type !== "ping" && type !== "script");
}

/** Of a server at `port`: checks of a port need one. */
export function checkHealthPort(health: DestinationHealth, port: number, path: ConfigPath, issues: IssueList): void {
  const unclear = port === 0 ? checkWithoutPort(health) : undefined;
  if (unclear !== undefined) issues.add([...path, "checks"], `the server has every port, so its ${unclear.type} check needs one of its own; give it a port`);
}

export function readQuorum(value: unknown, path: ConfigPath, issues: IssueList): ServiceHealth["quorum"] {
  const { weight = 1, hysteresis = 0, ...commands } = readFields(QuorumFields, value, path, issues);
  if (hysteresis >= weight) {
    const allowed = weight === 1 ? "leave it out, or give a larger weight" : `give at most ${weight - 1}`;
    if (hysteresis > 0) issues.add([...path, "hysteresis"], `${hysteresis} is not below the quorum's weight, ${weight}, so the quorum could never be lost; ${allowed}`);
  }
  return {
    weight, hysteresis,
    notify: { up: readNotification(commands.notifyUp, [...path, "notifyUp"], issues), down: readNotification(commands.notifyDown, [...path, "notifyDown"], issues) },
  };
}

/** Undefined when it cannot be told what is to be checked. */
function readCheck(value: unknown, path: ConfigPath, issues: IssueList): Check | undefined {
    if (!isMapping(value)) {
    issues.add(path, `${show(value)} is not a check; give a mapping such as {type: tcp}`);
    return undefined;
  }
  const { type } = value;
  if (type === undefined) return void issues.missing([...path, "type"], `say ${CHECK_TYPES.join(", ")}`);
  if (!CHECK_TYPES.includes(type as Check["type"])) {
    return void issues.add([...path, "type"], `${show(type)} is no type of check; ${typeof type === "string" ? remedy(type, CHECK_TYPES) : `known are ${CHECK_TYPES.join(", ")}`}`);
  }
  return readKnownCheck(type as Check["type"], value, path, issues);
}

function readKnownCheck<T extends Check["type"]>(type: T, value: object, path: ConfigPath, issues: IssueList): Check | undefined {
  const keys = readFields(CHECK_FIELDS[type], value, path, issues) as Fields<(typeof CHECK_FIELDS)["tcp"]>;
  const probe = readProbe(type, keys, path, issues);
  const { every = TIMING.every, timeout = TIMING.timeout, retries = TIMING.retries, retryDelay = TIMING.retryDelay, warmup = TIMING.warmup } = keys;
  return probe && { ...probe, every, timeout, retries, retryDelay, warmup, ...readTarget(keys, path, issues) };
}

function readProbe(type: Check["type"], keys: object, path: ConfigPath, issues: IssueList): Probe | undefined {
  switch (type) {
    case "tcp": case "ping": return { type };
    case "http": case "https": return readHttp(type, keys, path, issues);
    case "dns": return { type, recordType: (keys as CheckKeys["dns"]).record ?? "SOA", name: (keys as CheckKeys["dns"]).name ?? "." };
    case "smtp": return { type, helo: (keys as CheckKeys["smtp"]).helo ?? "weir.invalid" };
    case "udp": return { type, payload: (keys as CheckKeys["udp"]).payload ?? "", reply: readReply((keys as CheckKeys["udp"]).reply, [...path, "reply"], issues) };
    case "script": return readScript(keys, path, issues);
  }
}

function readHttp(type: "http" | "https", keys: HttpKeys, path: ConfigPath, issues: IssueList): Probe {
  const { requests, version = "1.1", sni = true, verify = false } = keys;
  const own = Object.keys(RequestFields.shape).find((key) => Object.hasOwn(keys, key));
  if (requests !== undefined && own !== undefined) issues.add([...path, own], "stands beside requests; put it into one of them", "key");
  const read = requests?.map((request, i) => readRequest(readFields(RequestFields, request, [...path, "requests", i], issues), [...path, "requests", i], issues));
  if (requests?.length === 0) issues.add([...path, "requests"], "has none; give one, such as {path: /}, or leave it out");
  return { type, requests: read ?? [readRequest(keys, path, issues)], version, sni, verify };
}

function readRequest(keys: Fields<typeof RequestFields>, path: ConfigPath, issues: IssueList): HttpRequest {
  const { status = "200-299", body, bodyNot, digest, host, path: asked = "/", method = "GET" } = keys;
  for (const [key, source] of Object.entries({ body, bodyNot })) checkExpression(source, [...path, key], issues);
  if (method === "HEAD" && (body ?? bodyNot ?? digest) !== undefined) {
    issues.add([...path, "method"], "HEAD gets no body to look at; use GET, or take away body, bodyNot and digest");
  }
  return { path: asked, host, method, status: [status].flat().map(readStatus), digest: digest?.toLowerCase(), body, bodyNot };
}

function readStatus(status: string | number): readonly [number, number] {
  const [from = 0, to = from] = String(status).split("-").map(Number);
  return [from, to];
}

function checkExpression(source: string | undefined, path: ConfigPath, issues: IssueList): void {
  if (source === undefined) return;
  try {
    new RegExp(source, "u");
  } catch (error) {
    issues.add(path, `${show(source)} is not a regular expression: ${(error as Error).message.replace(/^.*: /, "")}`);
  }
}

function readReply(value: unknown, path: ConfigPath, issues: IssueList): UdpProbe["reply"] {
  if (value === undefined || value === false) return undefined;
  const { begins, lengthMin = 0, lengthMax = 65507 } = value === true ? {} : readFields(ReplyFields, value, path, issues);
  if (lengthMin > lengthMax) issues.add([...path, "lengthMin"], `${lengthMin} is above lengthMax, ${lengthMax}`);
  return { begins, lengthMin, lengthMax };
}

function readScript({ command, setsWeight = false, user }: CheckKeys["script"], path: ConfigPath, issues: IssueList): Probe | undefined {
  if (command === undefined) return void issues.missing([...path, "command"], "give the program and its arguments");
  const words = readCommand(command, [...path, "command"], issues);
  return words && { type: "script", command: words, setsWeight, user };
}

function readTarget(keys: Fields<(typeof CHECK_FIELDS)["tcp"]>, path: ConfigPath, issues: IssueList): CheckTarget {
  const target = readEndpointKeys(keys, path, "192.168.1.11", issues);
  const source = keys.source === undefined ? undefined : readEndpoint(keys.source);
  if (keys.source !== undefined && source === undefined) issues.add([...path, "source"], `${show(keys.source)} is not an address; give one such as 10.0.0.1 or 10.0.0.1:1024`);
  checkFamilies(target?.address, source?.address, path, issues);
  return {
    address: target?.address, port: target?.port ?? keys.port,
    sourceAddress: source?.address, sourcePort: source?.port, sourceInterface: keys.interface, mark: keys.mark,
  };
}

function checkFamilies(target: Address | undefined, source: Address | undefined, path: ConfigPath, issues: IssueList): void {
  if (target === undefined || source === undefined || addressFamily(target) === addressFamily(source)) return;
  issues.add([...path, "source"], `${source} is not of the family of ${target}; give an IPv${addressFamily(target)} address`);
}
