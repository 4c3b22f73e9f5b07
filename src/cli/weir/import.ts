// weir import FORMAT FILE: the file of another program as weir.yaml, on stdout; what was left out, line by line, on stderr.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { isAbsolute, join } from "node:path";
import { isKnown } from "#control/health/identity.js";
import { importServices } from "#convert/ipvsadm.js";
import type { Imported } from "#convert/document.js";
import { printDocument } from "#convert/document.js";
import type { ImportedFormat } from "#convert/format.js";
import { expandBraces, hasWildcards, wildcardExpression } from "#convert/glob.js";
import { importKeepalived } from "#convert/keepalived/keepalived.js";
import type { KeepalivedSources } from "#convert/keepalived/lines.js";
import { importLdirectord } from "#convert/ldirectord/ldirectord.js";
import type { ImportNames } from "#convert/names.js";
import type { Place } from "#convert/report.js";
import { formatNote, Report } from "#convert/report.js";
import { SCHEDULERS, THRESHOLD_MAX } from "#model/config/schema.js";
import type { Destination, DestinationId, Director, Service, ServiceId, SyncDaemon, SyncDaemonRequest, Timeouts } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import { ipvsadm } from "../ipvsadm/ipvsadm.js";
import { splitCommand } from "../ipvsadm/restore.js";
import { systemNames } from "../ipvsadm/system-names.js";
import { UsageError } from "./errors.js";

export interface ImportOptions {
  readonly configId?: string;
}

export async function importCommand(format: ImportedFormat, file: string, options: ImportOptions): Promise<void> {
  const imported = await importConfiguration(format, file, readText(file), options);
  for (const note of imported.notes) console.error(formatNote(note));
  process.stdout.write(printDocument(imported, file));
}

/** Throws ConfigError with every mistake. */
export async function importConfiguration(format: ImportedFormat, file: string, text: string, { configId }: ImportOptions = {}): Promise<Imported> {
  switch (format) {
    case "keepalived": return importKeepalived(text, { file, include: readIncludes, workingFolder: process.cwd(), hasUser: isKnown, configId: configId ?? hostname().split(".")[0]! });
    case "ldirectord": return importLdirectord(text, file, names);
    case "ipvsadm": return importIpvsadm(text, file);
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read ${file}: ${(error as Error).message}`);
  }
}

const names: ImportNames = {
  async hostToAddress(host, family) {
    const { lookup } = await import("node:dns/promises");
    return lookup(host, { family }).then(({ address }) => address, () => undefined);
  },
  serviceToPort: (service, protocol) => systemNames.serviceToPort(service, protocol),
};

/** What is no file is passed over, as by keepalived. */
const readIncludes: KeepalivedSources["include"] = (pattern, folder) =>
  expandBraces(pattern).flatMap((one) => matching(isAbsolute(one) ? one : join(folder, one))).flatMap((file) => {
    try {
      return statSync(file).isFile() ? [{ file, text: readFileSync(file, "utf8") }] : [];
    } catch {
      return [];
    }
  });

/** Paths that a pattern meets, part by part; in the order of their names. */
function matching(pattern: string): readonly string[] {
  return pattern.split("/").reduce<readonly string[]>((found, part, i) => {
    const path = (base: string, name: string): string => (i === 0 ? name : `${base}/${name}`);
    if (!hasWildcards(part)) return found.map((base) => path(base, part));
    const expression = wildcardExpression(part);
    return found.flatMap((base) => entriesOf(i === 0 ? "." : base === "" ? "/" : base).filter((name) => expression.test(name)).map((name) => path(base, name)));
  }, [""]);
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** The commands are carried out on a director in memory, whose services are then written down. */
async function importIpvsadm(text: string, file: string): Promise<Imported> {
  const report = new Report();
  let place: Place = { file, line: 1, column: 1 };
  const director = new RememberingDirector((directive, why) => report.note(place, directive, why));
  for (const [i, line] of text.split("\n").entries()) {
    const words = splitCommand(line);
    if (words.length === 0) continue;
    place = { file, line: i + 1, column: line.length - line.trimStart().length + 1 };
    const said: string[] = [];
    const open = (): Promise<Director> => Promise.resolve(director);
    const status = await ipvsadm(words, { names: systemNames, findDirector: open, openDirector: open, inputLines: () => [], out: () => {}, error: (message) => void said.push(message) });
    if (status !== 0) report.mistake(place, `${said.join("").trim().replace(/\s*\n\s*/g, "; ")}: ${line.trim()}`);
    else if (!/^(?:-[AEaeDdC]|--set$|--(?:start|stop)-daemon|--(?:add|edit|delete)-|--clear)/.test(words[0]!)) report.note(place, line.trim(), "left out; it makes no service, no server and no sync daemon");
  }
  report.throwIfAny(file);
  return importServices(director.inOrder(), director.changedTimeouts, [...director.daemons.values()], report.notes());
}

/** Tells the order in which services were made, and which timeouts were set; refuses what weir.yaml cannot say. */
class RememberingDirector extends MemoryDirector {
  changedTimeouts: Timeouts = { tcp: 0, tcpFin: 0, udp: 0 };
  /** As they were asked for, by their role. */
  readonly daemons = new Map<SyncDaemon["role"], SyncDaemonRequest>();
  readonly #order: string[] = [];

  constructor(private readonly note: (directive: string, why: string) => void) {
    super({ schedulers: SCHEDULERS });
  }

  override addService(service: Service): void {
    super.addService(service);
    this.#order.push(JSON.stringify(service.id));
  }

  override addDestination(service: ServiceId, destination: Destination): void {
    super.addDestination(service, this.#written(service, destination));
  }

  override editDestination(service: ServiceId, destination: Destination): void {
    super.editDestination(service, this.#written(service, destination));
  }

  override deleteDestination(service: ServiceId, destination: DestinationId): void {
    const known = this.services().find(({ id }) => formatServiceId(id) === formatServiceId(service))?.destinations;
    const isThere = known?.some(({ address, port }) => address === destination.address && port === destination.port);
    super.deleteDestination(service, isThere || service.kind === "address" ? destination : { ...destination, port: 0 });
  }

  /** Of a service by mark, DR and TUN leave every port as it is: a server's own says nothing. */
  #written(service: ServiceId, destination: Destination): Destination {
    if (Math.max(destination.upperThreshold, destination.lowerThreshold) > THRESHOLD_MAX) {
      throw new DirectorError("UNSUPPORTED", `A threshold is at most ${THRESHOLD_MAX} in weir.yaml`);
    }
    if (service.kind === "address" || destination.port === 0 || destination.forward === "masq") return destination;
    this.note(`-r ${formatEndpoint(destination)}`, "its port is left out: a service by mark has every port, and DR and TUN change none");
    return { ...destination, port: 0 };
  }

  override startSyncDaemon(daemon: SyncDaemonRequest): void {
    if (daemon.interface === "") throw new DirectorError("NO_DEVICE", "A sync daemon in weir.yaml names its interface");
    super.startSyncDaemon(daemon);
    this.daemons.set(daemon.role, daemon);
  }

  override stopSyncDaemon(role: SyncDaemon["role"]): void {
    super.stopSyncDaemon(role);
    this.daemons.delete(role);
  }

  override setTimeouts(timeouts: Timeouts): void {
    super.setTimeouts(timeouts);
    const { tcp, tcpFin, udp } = this.changedTimeouts;
    this.changedTimeouts = { tcp: timeouts.tcp || tcp, tcpFin: timeouts.tcpFin || tcpFin, udp: timeouts.udp || udp };
  }

  inOrder() {
    const place = (id: unknown): number => this.#order.lastIndexOf(JSON.stringify(id));
    return [...this.services()].sort((a, b) => place(a.id) - place(b.id)).map((service) => ({ ...service, destinations: [...service.destinations].reverse() }));
  }
}
