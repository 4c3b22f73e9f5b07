// What weir status says of the servers' health: in one line first, then what is down and why, then the rest.

import type { Check, Health, Quorum, ServerHealth } from "#api/schemas/health.js";
import type { DestinationState, ServiceState } from "#model/director.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import { servicePath } from "#api/encode.js";
import { table } from "./table.js";

/** `daemon`: the number of a process that is the daemon, but did not answer. */
export function withoutHealth(daemon: number | undefined): string {
  if (daemon === undefined) return "Health: no daemon runs, so nobody checks the servers (weir up FILE)";
  return `Health: unknown; the daemon, process ${daemon}, does not answer at its API's socket`;
}

/** `services`: as they stand in the kernel, at the same time. */
export function formatHealth({ servers, quorums }: Health, services: readonly ServiceState[], now: Date): string {
  const standing = new Map(services.map((service) => [servicePath(service.id), service]));
  const serversOf = new Map<string, ServerHealth[]>(quorums.map(({ service }) => [service, []]));
  for (const server of servers) serversOf.get(server.service)?.push(server);
  const watched = quorums.map((quorum): Watched => ({ quorum, servers: serversOf.get(quorum.service) ?? [], standing: standing.get(quorum.service) }))
    .filter((service) => isLost(service.quorum) || service.servers.some(({ checks }) => checks.length > 0));
  if (watched.length === 0) return "Health: the daemon's configuration has no checks";
  const sorted = watched.toSorted((a, b) => badness(b) - badness(a));
  return [summary(watched), "", table(HEADINGS, sorted.flatMap((service) => rowsOf(service, now)))].join("\n");
}

/** One service, as the daemon and the kernel have it; undefined: somebody deleted it. */
interface Watched {
  readonly quorum: Quorum;
  readonly servers: readonly ServerHealth[];
  readonly standing: ServiceState | undefined;
}

const HEADINGS = ["Watched service, server", "State", "Since", ">Weight", "What the checks said"];

/** A service that has no servers yet, and nobody to stand in, has lost nothing. */
const isLost = ({ held, sorry, needed }: Quorum): boolean => !held && (sorry === true || needed > 1);

function summary(watched: readonly Watched[]): string {
  const servers = watched.flatMap((service) => service.servers);
  const count = (state: ServerHealth["state"]): number => servers.filter((server) => server.state === state).length;
  const [down, starting, lost] = [count("down"), count("starting"), watched.filter(({ quorum }) => !quorum.held).length];
  const troubles = [
    ...(down === 0 ? [] : [`${down} of ${counted(servers.length, "server")} DOWN`]),
    ...(starting === 0 ? [] : [`${starting} of ${counted(servers.length, "server")} starting`]),
    ...(lost === 0 ? [] : [`${lost} of ${counted(watched.length, "service")} WITHOUT QUORUM`]),
  ];
  return `Health: ${troubles.length === 0 ? `${counted(servers.length, "server")}, all up` : troubles.join(", ")}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** What has to be looked at first. */
function badness({ quorum, servers }: Watched): number {
  if (!quorum.held) return 3;
  return Math.max(0, ...servers.map(({ state }) => BADNESS[state]));
}

const BADNESS: { readonly [state in ServerHealth["state"]]: number } = { down: 2, starting: 1, up: 0 };
const STATE: { readonly [state in ServerHealth["state"]]: string } = { down: "DOWN", starting: "starting", up: "up" };

function rowsOf({ quorum, servers, standing }: Watched, now: Date): string[][] {
  const name = standing === undefined ? quorum.service.replace("/", " ") : formatServiceId(standing.id);
  const destinations = new Map(standing?.destinations.map((destination) => [formatEndpoint(destination), destination]));
  return [
    [name, quorum.held ? "quorum held" : "QUORUM LOST", since(quorum.since, now), `${quorum.weight} of ${quorum.needed}`, standIn(quorum, standing)],
    ...servers.toSorted((a, b) => BADNESS[b.state] - BADNESS[a.state]).map((server) =>
      [`  ${server.server}`, STATE[server.state], since(server.since, now), weight(server, destinations.get(server.server)), said(server)]),
  ];
}

function standIn({ held, sorry, sorryServer }: Quorum, standing: ServiceState | undefined): string {
  if (standing === undefined) return "the service is gone: somebody deleted it";
  if (sorry === true) return `the sorry server ${sorryServer} stands in`;
  return held ? "" : "no sorry server; servers that are up stay in";
}

/** As it is in the kernel, and as the file has it where that is another. */
function weight({ weight: configured }: ServerHealth, standing: DestinationState | undefined): string {
  if (standing === undefined) return `out (file: ${configured})`;
  return standing.weight === configured ? `${configured}` : `${standing.weight} (file: ${configured})`;
}

/** Of a server that is down, only the checks that say so. */
function said({ state, checks }: ServerHealth): string {
  const failed = checks.filter(({ healthy }) => healthy === false);
  const told = state === "down" && failed.length > 0 ? failed : checks;
  return told.length === 0 ? "no checks" : told.map(saidOne).join("; ");
}

function saidOne({ check, verdict, failures, healthy }: Check): string {
  const often = failures > 1 ? ` (${failures} times)` : "";
  return `${check}: ${verdict}${often}${healthy === true && failures > 0 ? ", forgiven so far" : ""}`;
}

/** By the clock of this machine, and how long ago. */
function since(time: string, now: Date): string {
  const at = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${date} (${duration((now.getTime() - at.getTime()) / 1000)})`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
