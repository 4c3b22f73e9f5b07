// ipvsadm without the process around it: arguments in, text and an exit status out.
// A request is read and checked in full before the director is asked for anything.

import type { ServiceUse } from "#control/uses.js";
import type { Address, Director, ServiceState } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { formatServiceId } from "#model/names.js";
import type { Request } from "./command-line.js";
import { parseCommandLine } from "./command-line.js";
import { connectionHeading, formatConnection } from "./connections.js";
import type { EndpointFormat } from "./endpoint.js";
import { namedEndpoints, numericEndpoint } from "./endpoint.js";
import { Exit, fail, STATUS_FAILED, tryHelp } from "./exit.js";
import { formatBanner, formatDaemons, formatRules, formatServices, formatTimeouts } from "./list.js";
import { describeError } from "./messages.js";
import type { Names } from "./names.js";
import type { OptionName } from "./options.js";
import { ScanError } from "./popt.js";
import { splitCommand } from "./restore.js";

export interface Environment {
  readonly names: Names;
  /** To look at, or to take away from: makes none where there is none. */
  findDirector(): Promise<Director>;
  /** To add to. */
  openDirector(): Promise<Director>;
  /** Before a service or a server is added or edited: sees to what its packets need. */
  prepare?(service: ServiceUse): Promise<void>;
  /** After services or servers were deleted or changed: sees to what nobody needs any more. */
  settle?(): Promise<void>;
  out(text: string): void;
  error(text: string): void;
  inputLines(): Iterable<string>;
}

export async function ipvsadm(args: readonly string[], environment: Environment): Promise<number> {
  try {
    if (args.length > 0) return await runLine(args, environment, false);
    await listServices(new Set(), environment);
    return 0;
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    if (error.message !== "") environment.error(`${error.message}\n`);
    return error.status;
  }
}

async function runLine(args: readonly string[], environment: Environment, isRestoring: boolean): Promise<number> {
  const request = await parse(args, environment);
  if (request === undefined) return STATUS_FAILED;
  if (request === "help" || request === "version") return printUsage(request, environment);
  if (request.command === "restore") return isRestoring ? tryHelp() : restore(environment);
  if (request.command === "list") return list(request, environment);
  if (request.command === "save") return save(request.options, environment);
  return change(request, environment);
}

/** What popt refuses is only reported: -R goes on after it. */
async function parse(args: readonly string[], { names, error }: Environment): Promise<Request | "help" | "version" | undefined> {
  try {
    return await parseCommandLine(args, names);
  } catch (refusal) {
    if (!(refusal instanceof ScanError)) throw refusal;
    error(`${refusal.message}\n`);
    return undefined;
  }
}

async function printUsage(text: "help" | "version", { out }: Environment): Promise<never> {
  const { USAGE, VERSION } = await import("./usage.js");
  out(text === "help" ? USAGE : VERSION);
  throw new Exit(0);
}

/** A command that the director refuses is reported, and the next one follows; the last one's status is the whole's. */
async function restore(environment: Environment): Promise<number> {
  let status = 0;
  for (const line of environment.inputLines()) {
    const args = splitCommand(line);
    if (args.length > 0) status = await runLine(args, environment, true);
  }
  return status;
}

async function change(request: Request, environment: Environment): Promise<number> {
  try {
    const director = await (addsSomething(request) ? environment.openDirector() : environment.findDirector());
    if (request.serviceId !== undefined && /^(add|edit)-/.test(request.command)) {
      const isServer = request.command.endsWith("-server");
      await environment.prepare?.({ id: request.serviceId, persistenceEngine: isServer ? "" : request.service.persistenceEngine, destinations: isServer ? [request.destination] : [] });
    }
    apply(request, director);
    if (takesSomethingAway(request)) await environment.settle?.();
    return 0;
  } catch (error) {
    environment.error(`${describeError(error, request.command.endsWith("-server"))}\n`);
    return STATUS_FAILED;
  }
}

const takesSomethingAway = ({ command }: Request): boolean => command === "flush" || command === "edit-server" || command.startsWith("delete-");

function addsSomething({ command }: Request): boolean {
  return command === "add-service" || command === "set" || command === "start-daemon";
}

function apply({ command, serviceId, service, destination, timeouts, daemon }: Request, director: Director): void {
  if (command === "flush") return director.clear();
  if (command === "zero") return director.zero(serviceId);
  if (command === "set") return director.setTimeouts(timeouts);
  if (command === "start-daemon") return (director.startSyncDaemon ?? withoutSync).call(director, daemon);
  if (command === "stop-daemon") return (director.stopSyncDaemon ?? withoutSync).call(director, daemon.role);
  const id = serviceId!;
  if (command === "add-service") return director.addService({ id, ...service });
  if (command === "edit-service") return director.editService({ id, ...service });
  if (command === "delete-service") return director.deleteService(id);
  if (command === "add-server") return director.addDestination(id, destination);
  if (command === "edit-server") return director.editDestination(id, destination);
  if (command === "delete-server") return director.deleteDestination(id, destination);
}

function withoutSync(): never {
  throw new DirectorError("UNSUPPORTED", "Cannot start or stop a sync daemon: this director does not synchronise connections");
}

async function list({ options, serviceId }: Request, environment: Environment): Promise<number> {
  refuseConflicts(options);
  if (options.has("connection")) await listConnections(options, environment);
  else if (serviceId !== undefined) await listService(formatServiceId(serviceId), options, environment);
  else if (options.has("timeout")) environment.out(formatTimeouts((await environment.findDirector()).timeouts()));
  else if (options.has("daemon")) environment.out(formatDaemons((await environment.findDirector()).syncDaemons?.() ?? []));
  else await listServices(options, environment);
  return 0;
}

/** Columns of services do not go with what is no list of services. */
function refuseConflicts(options: ReadonlySet<OptionName>): void {
  const hasAny = (...names: readonly OptionName[]) => names.some((name) => options.has(name));
  if ((hasAny("connection", "timeout", "daemon") && hasAny("stats", "rate", "thresholds")) || (hasAny("timeout", "daemon") && hasAny("persistent-conn"))) {
    fail("options conflicts in the list command");
  }
}

async function listServices(options: ReadonlySet<OptionName>, environment: Environment): Promise<void> {
  const director = await environment.findDirector();
  const services = director.services();
  environment.out(formatBanner(director) + formatServices(services, options, await endpointFormat(options, environment, addressesOf(services))));
}

async function listService(name: string, options: ReadonlySet<OptionName>, environment: Environment): Promise<void> {
  const services = (await environment.findDirector()).services().filter(({ id }) => formatServiceId(id) === name);
  if (services.length === 0) throw new Exit(1, "No such service");
  environment.out(formatServices(services, options, await endpointFormat(options, environment, addressesOf(services))));
}

async function listConnections(options: ReadonlySet<OptionName>, environment: Environment): Promise<void> {
  const withData = options.has("persistent-conn");
  const director = await environment.findDirector();
  environment.out(connectionHeading(withData));
  if (options.has("numeric")) {
    for (const connection of director.connections()) environment.out(formatConnection(connection, withData, numericEndpoint));
    return;
  }
  const connections = [...director.connections()];
  const addresses = connections.flatMap(({ client, virtual, destination }) => [client.address, virtual.address, destination.address]);
  const endpoint = await namedEndpoints(addresses, environment.names);
  for (const connection of connections) environment.out(formatConnection(connection, withData, endpoint));
}

async function save(options: ReadonlySet<OptionName>, environment: Environment): Promise<number> {
  const services = (await environment.findDirector()).services();
  environment.out(formatRules(services, await endpointFormat(options, environment, addressesOf(services))));
  return 0;
}

async function endpointFormat(options: ReadonlySet<OptionName>, { names }: Environment, addresses: Iterable<Address>): Promise<EndpointFormat> {
  return options.has("numeric") ? numericEndpoint : namedEndpoints(addresses, names);
}

function* addressesOf(services: readonly ServiceState[]): Iterable<Address> {
  for (const { id, destinations } of services) {
    if (id.kind === "address") yield id.address;
    for (const { address } of destinations) yield address;
  }
}
