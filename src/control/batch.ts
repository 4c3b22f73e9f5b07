// A change to services and destinations, of one step or of many: first all of it is gone through in memory, where a wrong
// step is found before anything is written; then what is new is written beside what there is; then packets see it.

import * as maps from "#dataplane/maps.js";
import { familyOf, notUnicast } from "#model/config/address.js";
import { addressFamily } from "#model/address.js";
import type { Destination, DestinationId, Operation, Service, ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { formatEndpoint } from "#model/names.js";
import type { Destinations, SlotChooser } from "./destinations.js";
import { nameOfDestination } from "./destinations.js";
import { schedulerNumber, serviceIdOf, serviceKey, toNetmask } from "./encode.js";
import type { Member, MemberLists } from "./members.js";
import type { ServiceRow, ServiceTable } from "./service-table.js";
import { nameOfKey } from "./service-table.js";
import { bringsFtpData } from "./uses.js";

/** A service as it is to be. */
export interface Draft {
  readonly key: Uint8Array;
  readonly name: string;
  readonly id: ServiceId;
  readonly slot: number;
  /** Packets find its slot, and a row in it or none. */
  readonly hasKey: boolean;
  /** As it stands; undefined of one that is new. */
  readonly before: ServiceRow | undefined;
  row: ServiceRow;
  /** By formatEndpoint(), the newest last; read when they are first asked for. */
  members: Map<string, DraftMember> | undefined;
  isChanged: boolean;
  /** It is new, or its own settings change. */
  isReworded: boolean;
  /** Its list of members is to be written anew. */
  isRelisted: boolean;
  isNewToScheduler: boolean;
}

export interface DraftMember extends Member {
  /** What becomes of its row. */
  readonly change: "none" | "new" | "revived" | "edited";
  /** Undefined where the row stays as it is. */
  readonly settings: Destination | undefined;
}

/** What is to be written. */
export interface Plan {
  /** Services that come or change. */
  readonly drafts: readonly Draft[];
  /** Services that go. */
  readonly gone: readonly Draft[];
  /** Destinations that go, those of `gone` among them, with the slot of the service that they leave. */
  readonly removed: readonly { readonly destination: number; readonly serviceSlot: number }[];
}

export class Batch {
  readonly #table: ServiceTable;
  readonly #destinations: Destinations;
  readonly #lists: MemberLists;
  readonly #chooser: SlotChooser;
  readonly #drafts = new Map<string, Draft>();
  readonly #gone = new Map<string, Draft>();
  /** By nameOfDestination(): a destination that comes again in the same change keeps its slot. */
  readonly #removed = new Map<string, { readonly destination: number; readonly serviceSlot: number }>();
  #freeSlots: Iterator<number> | undefined;
  #sequence = 0;

  /** `table`: as settle() leaves it. */
  constructor(table: ServiceTable, lists: MemberLists, destinations: Destinations) {
    this.#table = table;
    this.#lists = lists;
    this.#destinations = destinations;
    this.#chooser = destinations.chooser();
  }

  /** Throws what is wrong with one. */
  plan(operations: readonly Operation[]): Plan {
    for (const operation of operations) this.#step(operation);
    return { drafts: [...this.#drafts.values()].filter(({ isChanged }) => isChanged), gone: [...this.#gone.values()], removed: [...this.#removed.values()] };
  }

  #step(operation: Operation): void {
    switch (operation.kind) {
      case "addService": return this.#addService(operation.service);
      case "editService": return this.#editService(operation.service);
      case "deleteService": return this.#deleteService(operation.service.id);
      case "addDestination": return this.#addDestination(operation.service, operation.destination);
      case "editDestination": return this.#editDestination(operation.service, operation.destination);
      case "deleteDestination": return this.#deleteDestination(operation.service, operation.destination);
    }
  }

  #addService(service: Service): void {
    const key = serviceKey(service.id);
    const name = nameOfKey(key);
    if (this.#look(name, key) !== undefined) throw new DirectorError("SERVICE_EXISTS", `Cannot add the service ${nameOf(service.id)}: it exists already`);
    const words = wordsOf(service);
    // One that goes and comes again at once keeps its slot.
    const again = this.#gone.get(name);
    const slot = again?.slot ?? this.#freeSlot();
    this.#gone.delete(name);
    this.#drafts.set(name, {
      key, name, id: serviceIdOf(key), slot, hasKey: again !== undefined, before: undefined, row: { ...NO_ROW, ...words, slot, sequence: this.#nextSequence() },
      members: new Map(), isChanged: true, isReworded: true, isRelisted: true, isNewToScheduler: true,
    });
  }

  #editService(service: Service): void {
    const draft = this.#find(service.id, "edit");
    const words = wordsOf(service);
    if (words.scheduler !== draft.row.scheduler) {
      draft.isNewToScheduler = true;
      draft.isRelisted = true;
    }
    draft.row = { ...draft.row, ...words };
    draft.isChanged = draft.isReworded = true;
  }

  #deleteService(id: ServiceId): void {
    const draft = this.#find(id, "delete");
    for (const [endpoint, member] of this.#membersOf(draft)) this.#remove(draft, endpoint, member);
    this.#drafts.delete(draft.name);
    if (draft.hasKey) this.#gone.set(draft.name, draft);
  }

  #addDestination(id: ServiceId, destination: Destination): void {
    const draft = this.#find(id, "add a destination to");
    checkDestination(id, destination);
    const members = this.#membersOf(draft);
    const endpoint = formatEndpoint(destination);
    if (members.has(endpoint)) throw new DirectorError("DESTINATION_EXISTS", `Cannot add ${destination.address}:${destination.port} to ${nameOf(id)}: it is there already`);
    checkUnicast(destination);
    members.set(endpoint, this.#chooseSlot(draft, destination));
    draft.isChanged = draft.isRelisted = true;
  }

  #chooseSlot(draft: Draft, destination: Destination): DraftMember {
    const name = nameOfDestination(draft.name, destination);
    const removed = this.#removed.get(name);
    this.#removed.delete(name);
    if (removed !== undefined) return { destination: removed.destination, weight: destination.weight, change: "edited", settings: destination };
    const { index, isKnown } = this.#chooser.choose(name);
    return { destination: index, weight: destination.weight, change: isKnown ? "revived" : "new", settings: destination };
  }

  #editDestination(id: ServiceId, destination: Destination): void {
    const draft = this.#find(id, "edit a destination of");
    checkDestination(id, destination);
    const members = this.#membersOf(draft);
    const member = findMember(members, id, destination, "edit");
    members.set(formatEndpoint(destination), { ...member, weight: destination.weight, change: member.change === "none" ? "edited" : member.change, settings: destination });
    draft.isChanged = draft.isRelisted = true;
  }

  #deleteDestination(id: ServiceId, destination: DestinationId): void {
    const draft = this.#find(id, "delete a destination of");
    const members = this.#membersOf(draft);
    const member = findMember(members, id, destination, "delete");
    const endpoint = formatEndpoint(destination);
    members.delete(endpoint);
    this.#remove(draft, endpoint, member);
    draft.isChanged = draft.isRelisted = true;
  }

  /** One that came in this very change was never there. */
  #remove(draft: Draft, endpoint: string, { change, destination }: DraftMember): void {
    if (change === "new" || change === "revived") return;
    this.#removed.set(`${draft.name} ${endpoint}`, { destination, serviceSlot: draft.slot });
  }

  #find(id: ServiceId, verb: string): Draft {
    const key = serviceKey(id);
    const draft = this.#look(nameOfKey(key), key);
    if (draft === undefined) throw new DirectorError("NO_SUCH_SERVICE", `Cannot ${verb} the service ${nameOf(id)}: there is none`);
    return draft;
  }

  #look(name: string, key: Uint8Array): Draft | undefined {
    const known = this.#drafts.get(name);
    if (known !== undefined || this.#gone.has(name)) return known;
    const entry = this.#table.find(key);
    if (entry === undefined) return undefined;
    const { row } = entry;
    const draft: Draft = { key, name, id: serviceIdOf(key), slot: row.slot, hasKey: true, before: row, row, members: undefined, isChanged: false, isReworded: false, isRelisted: false, isNewToScheduler: false };
    this.#drafts.set(name, draft);
    return draft;
  }

  #membersOf(draft: Draft): Map<string, DraftMember> {
    draft.members ??= new Map(this.#lists.read(draft.row).toReversed().map((member): [string, DraftMember] =>
      [formatEndpoint(this.#destinations.idOf(member.destination)), { ...member, change: "none", settings: undefined }]));
    return draft.members;
  }

  /** The smallest number that no service has. */
  #freeSlot(): number {
    this.#freeSlots ??= this.#table.freeSlots();
    const { value, done } = this.#freeSlots.next();
    if (done === true) throw new DirectorError("NO_MEMORY", `Cannot add a service: all ${maps.SERVICES_MAX} places are taken`);
    return value;
  }

  #nextSequence(): number {
    if (this.#sequence === 0) this.#sequence = this.#table.lastSequence();
    return ++this.#sequence;
  }
}

function findMember(members: ReadonlyMap<string, DraftMember>, service: ServiceId, id: DestinationId, verb: string): DraftMember {
  const member = members.get(formatEndpoint(id));
  if (member === undefined) throw new DirectorError("NO_SUCH_DESTINATION", `Cannot ${verb} ${id.address}:${id.port} of ${nameOf(service)}: there is no such destination`);
  return member;
}

/** What a service's entry says of the administrator's words. */
function wordsOf(service: Service): Pick<ServiceRow, "scheduler" | "schedulerFlags" | "flags" | "persistentSeconds" | "netmask" | "mark"> {
  const scheduler = schedulerNumber(service.scheduler);
  checkPersistenceEngine(service);
  return {
    scheduler, schedulerFlags: service.schedulerFlags, flags: flagsOf(service),
    persistentSeconds: service.persistentSeconds, netmask: toNetmask(service.netmask, familyOf(service.id)),
    mark: service.id.kind === "fwmark" ? service.id.fwmark : 0,
  };
}

const NO_ROW: Pick<ServiceRow, "membersAt" | "membersCount" | "stateAt"> = { membersAt: 0, membersCount: 0, stateAt: 0 };

function flagsOf({ id, persistentSeconds, persistenceEngine, onePacket }: Service): number {
  // ip_vs_core.c, ip_vs_sched_persist(): a persistent service by mark keeps the packet's port.
  const isFtp = bringsFtpData(id, persistentSeconds);
  const anyPort = id.kind === "fwmark" ? persistentSeconds !== 0 : id.port === 0 || isFtp;
  return (persistenceEngine !== "" ? maps.SERVICE_SIP : 0) | (isFtp ? maps.SERVICE_FTP : 0) | (onePacket ? maps.SERVICE_ONE_PACKET : 0) | (persistentSeconds !== 0 ? maps.SERVICE_PERSISTENT : 0) | (anyPort ? maps.SERVICE_ANY_PORT : 0);
}

function checkPersistenceEngine({ id, persistenceEngine }: Service): void {
  if (persistenceEngine === "" || persistenceEngine === "sip") return;
  throw new DirectorError("SCHEDULER_NOT_FOUND", `Cannot make the service ${nameOf(id)}: there is no persistence engine "${persistenceEngine}"; there is sip`);
}

/** ip_vs_ctl.c, ip_vs_add_dest(), ip_vs_edit_dest(): weight, thresholds. */
function checkDestination(id: ServiceId, destination: Destination): void {
  const where = formatEndpoint(destination);
  // ip_vs_ctl.c, ip_vs_genl_set_cmd(): only a tunnel leads from one family to the other.
  if (addressFamily(destination.address) !== familyOf(id) && destination.forward !== "tunnel") {
    throw new DirectorError("INVALID", `Cannot use ${where} for ${nameOf(id)}: a server of the other address family needs a tunnel (-i)`);
  }
  if (destination.weight < 0) throw new DirectorError("OUT_OF_RANGE", `Cannot give ${where} the weight ${destination.weight}: it is below 0`);
  if (destination.lowerThreshold > destination.upperThreshold) {
    throw new DirectorError("OUT_OF_RANGE", `Cannot give ${where} a lower threshold of ${destination.lowerThreshold}: it is over the upper one, ${destination.upperThreshold}`);
  }
}

/** ip_vs_ctl.c, ip_vs_new_dest(). */
function checkUnicast(destination: Destination): void {
  const reason = notUnicast(destination.address);
  if (reason !== undefined) throw new DirectorError("INVALID", `Cannot use ${formatEndpoint(destination)} as a real server: ${destination.address} ${reason}`);
}

/** As messages have it. */
export function nameOf(id: ServiceId): string {
  return id.kind === "fwmark" ? `FWM ${id.fwmark}` : `${id.protocol.toUpperCase()} ${id.address}:${id.port}`;
}

