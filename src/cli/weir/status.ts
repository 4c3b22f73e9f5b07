// weir status: what stands in the kernel, in tables for people; before that, where a daemon runs, what it knows of the servers' health.

import { formatEndpoint, formatMethod, formatServiceId } from "#model/names.js";
import { sortDestinations, sortServices } from "#model/order.js";
import type { Counters, DestinationState, Director, ServiceState, SyncProcess } from "#model/director.js";
import { daemonProcess } from "#daemon/instance.js";
import type { ConnectionTableStatus, DataPlaneStatus } from "#control/plane.js";
import { formatHealth, withoutHealth } from "./health.js";
import { findDirectorParts } from "./parts.js";
import { withDaemon } from "./find-daemon.js";
import { formatCount, table } from "./table.js";

export async function status(): Promise<void> {
  const parts = findDirectorParts(() => {});
  if (parts === undefined) return console.log("there is no director here; start one with weir apply FILE");
  const { director, dataPlane } = parts;
  const health = (await withDaemon((daemon) => daemon.health()))?.answer;
  const services = director.services();
  const healthText = health === undefined ? withoutHealth(daemonProcess()) : formatHealth(health, services, new Date());
  console.log([healthText, formatStatus(dataPlane.status(), services, director.timeouts(), director.syncProcesses?.() ?? [])].join("\n\n"));
}

export function formatStatus(plane: DataPlaneStatus, services: readonly ServiceState[], timeouts: ReturnType<Director["timeouts"]>, synchronisation: readonly SyncProcess[] = []): string {
  return [
    [formatInterfaces(plane), ...formatOwnAnswers(plane), ...formatMarks(plane), ...synchronisation.map(formatSynchronisation)].join("\n"),
    formatServices(services),
    ...formatVerdicts(plane),
    formatTable(plane, timeouts),
  ].join("\n\n");
}

function formatInterfaces({ attachments }: DataPlaneStatus): string {
  if (attachments.length === 0) return "Interfaces: none; nothing is forwarded (weir apply FILE)";
  return table(["Interface", "Hook", "Why"], attachments.map(({ interface: name, hook, reason }) => [name, hook, reason]));
}

function formatOwnAnswers({ ownAnswers = [] }: DataPlaneStatus): readonly string[] {
  return ownAnswers.length === 0 ? [] : [`Answers of the director's own servers by NAT get the VIP as they leave by ${ownAnswers.join(", ")}`];
}

function formatMarks({ marks }: DataPlaneStatus): readonly string[] {
  if (marks === undefined) return [];
  const numbers = `${marks.marks.length === 1 ? "mark" : "marks"} ${marks.marks.join(", ")}`;
  return [`Packets that netfilter gives ${numbers} come back by ${marks.device}${marks.trouble === undefined ? "" : `: NOT YET, ${marks.trouble}`}`];
}

function formatSynchronisation({ role, interface: name, group, port, pid, isRunning, standsBy }: SyncProcess): string {
  const standing = standsBy ? "; backup_only: requests are left to the stack until it is stopped" : "";
  if (!isRunning) return `Synchronisation as ${role}: NOT RUNNING, process ${pid} has ended; ipvsadm --start-daemon ${role} --mcast-interface ${name}${standing}`;
  return `Synchronisation as ${role}: process ${pid} ${role === "master" ? "tells" : "takes what is told to"} ${group}, port ${port}, by ${name}${standing}`;
}

/** Nothing where every packet was forwarded. */
function formatVerdicts({ verdicts }: DataPlaneStatus): readonly string[] {
  const rows = Object.entries(verdicts).map(([name, packets]) => [name, formatCount(packets)]);
  return rows.length === 0 ? [] : [table(["Not forwarded", ">Packets"], rows)];
}

const SERVICE_HEADINGS = [
  "Service, destination", "Scheduler, method", ">Weight", ">Active", ">Inactive", ">Connections", ">Packets in", ">Packets out", ">Bytes in", ">Bytes out",
];

function formatServices(services: readonly ServiceState[]): string {
  if (services.length === 0) return "Services: none";
  const rows = sortServices(services).flatMap((service) => [
    [formatServiceId(service.id), serviceSettings(service), "", "", "", ...counters(service.counters)],
    ...sortDestinations(service.destinations).map((destination) => [
      `  ${formatEndpoint(destination)}`, formatMethod(destination.forward), weight(destination),
      formatCount(destination.activeConnections), formatCount(destination.inactiveConnections), ...counters(destination.counters),
    ]),
  ]);
  return table(SERVICE_HEADINGS, rows);
}

function serviceSettings({ scheduler, persistentSeconds, onePacket }: ServiceState): string {
  return `${scheduler}${persistentSeconds === 0 ? "" : `, persistent ${persistentSeconds} s`}${onePacket ? ", one-packet" : ""}`;
}

function weight({ weight: value, upperThreshold, activeConnections, inactiveConnections }: DestinationState): string {
  if (value === 0) return "0 (drain)";
  const full = upperThreshold > 0 && activeConnections + inactiveConnections >= upperThreshold;
  return full ? `${value} (full)` : `${value}`;
}

const counters = ({ connections, packetsIn, packetsOut, bytesIn, bytesOut }: Counters): string[] =>
  [connections, packetsIn, packetsOut, bytesIn, bytesOut].map(formatCount);

function formatTable({ connectionTables, stateDirectory }: DataPlaneStatus, { tcp, tcpFin, udp }: ReturnType<Director["timeouts"]>): string {
  const share = ({ entriesUsed, entriesMax }: ConnectionTableStatus) => ((entriesUsed / entriesMax) * 100).toFixed(1);
  return [
    ...connectionTables.map((one) => `Connection table, ${one.family}: ${formatCount(one.entriesUsed)} of ${formatCount(one.entriesMax)} entries used (${share(one)} %)`),
    `Timeouts: tcp ${tcp} s, tcp after FIN ${tcpFin} s, udp ${udp} s`,
    `State in the kernel: ${stateDirectory}`,
  ].join("\n");
}
