// Differences that docs/lvs-compatibility.md names, each by what shows it: a script is compared up to there, and what was found is said.

import { dissect } from "#lab/dissect.js";
import { addressFamily } from "#model/address.js";
import { TCP_SYN } from "#wire/tcp.js";
import { neighbours } from "../packets/network.js";
import { endText } from "./addresses.js";
import type { Difference } from "./compare.js";
import type { Flow, Script, Step } from "./script.js";
import type { Outcome, Passage, Transcript } from "./transcript.js";

interface History {
  readonly steps: readonly Step[];
  readonly ipvs: Transcript;
}

/** What the difference is known as; undefined for one that nobody has explained. */
export function knownAs(script: Script, ipvs: Transcript, difference: Difference): string | undefined {
  const { at } = difference;
  const before = { steps: script.steps.slice(0, at), ipvs };
  const step = script.steps[at]!;
  if (isLostByOthersRoute(before, step, ipvs[at]!)) return "IPVS loses packets of a connection by DR whose server became one by NAT or TUN";
  if (isKeptWithoutServer(before, step, difference)) return "IPVS keeps connections whose server was removed before expire_nodest_conn was set";
  if (isCountedLate(before, step, difference)) return "IPVS shows what a server counted in the last two seconds before its service was removed, when both are back";
  if (isKeptByReset(before, step)) return "IPVS keeps a connection that was to end, for its own stack's reset";
  return undefined;
}

/** A connection by DR stands, and its server is edited to one by another method, whose route is remembered for both. */
function isLostByOthersRoute(before: History, step: Step, outcome: Outcome): boolean {
  if (step.kind !== "request" || sentBy(outcome).length > 0) return false;
  return routedRequests(before, step.flow).some(({ at, host }) => before.steps.slice(at).some((later) => later.kind === "ipvsadm" && isEditFromDr(later.words, host)));
}

const isEditFromDr = (words: readonly string[], address: string): boolean =>
  words[0] === "-e" && (words.includes("-i") || words.includes("-m")) && words.some((word) => word.startsWith(endText({ address, port: 0 }).slice(0, -1)));

/** Servers were removed, and later connections of such were to end: of a list differ only theirs, which IPVS has and weir has not. */
function isKeptWithoutServer({ steps }: History, step: Step, { ipvs, weir }: Difference): boolean {
  if (step.kind !== "look") return false;
  const toEnd = steps.findLastIndex((earlier) => earlier.kind === "sysctl" && earlier.name === "expire_nodest_conn" && earlier.value === 1);
  const gone = removedServers(steps.slice(0, Math.max(toEnd, 0)));
  const [theirs, ours] = [ipvs, weir].map(differing) as [string[], string[]];
  const isOfGone = (line: string): boolean => gone.some((server) => line.includes(` ${server}`));
  if (step.at !== "connections") return theirs.every(isOfGone) && ours.every(isOfGone);
  const kept = theirs.filter((line) => !ours.includes(line));
  return kept.length > 0 && kept.every(isOfGone) && ours.every((line) => theirs.includes(line));
}

/** Of statistics: lines of servers differ whose service was removed, and IPVS has counted more. */
function isCountedLate({ steps }: History, step: Step, { ipvs, weir }: Difference): boolean {
  if (step.kind !== "look" || step.at === "connections") return false;
  const gone = serversOfRemovedServices(commandsOf(steps));
  const [theirs, ours] = [ipvs, weir].map(differing) as [string[], string[]];
  return theirs.length === ours.length && theirs.every((line, i) => {
    const [more, less] = [line, ours[i]!].map((one) => one.split(/ +/).slice(-5).map(Number)) as [number[], number[]];
    return gone.some((server) => [line, ours[i]!].every((one) => one.includes(`-> ${server}`))) && more.every((count, column) => count >= less[column]!);
  });
}

/** As lists have them, without their ports, which with DR and TUN are the service's. */
function removedServers(steps: readonly Step[]): readonly string[] {
  const commands = commandsOf(steps);
  return [...commands.filter(([command]) => command === "-d").map(serverOf), ...serversOfRemovedServices(commands)];
}

function serversOfRemovedServices(commands: readonly (readonly string[])[]): readonly string[] {
  return commands.flatMap((words, i) => {
    if (words[0] !== "-D") return [];
    return commands.slice(0, i).flatMap((earlier) => (earlier[0] === "-a" && words.slice(1).every((word, at) => earlier[1 + at] === word) ? [serverOf(earlier)] : []));
  });
}

const commandsOf = (steps: readonly Step[]): readonly (readonly string[])[] => steps.flatMap((step) => (step.kind === "ipvsadm" ? [step.words] : []));

const serverOf = (words: readonly string[]): string => words[words.indexOf("-r") + 1]!.replace(/\d+$/, "");
/** Those that are marked (compare.ts), without the seconds that connections have left. */
const differing = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("! ")).map((line) => line.slice(1).replace(/, \d+ s$/, ""));

/** A client used its port again, for a service that is no more, and the director's stack refused it. */
function isKeptByReset(before: History, step: Step): boolean {
  const flows = new Set(before.steps.flatMap((earlier, at) => (earlier.kind === "request" && isRefusedSyn(earlier, before.ipvs[at]!) ? [earlier.flow] : [])));
  const concerned = step.kind === "look" && step.at === "connections" ? [...flows] : "flow" in step && flows.has(step.flow) ? [step.flow] : [];
  return concerned.some((flow) => forwardedRequests(before, flow).length > 0);
}

const isRefusedSyn = (step: Step, outcome: Outcome): boolean =>
  step.kind === "request" && ((step.datagram.flags ?? 0) & TCP_SYN) !== 0 && sentBy(outcome).some(({ bytes }) => dissect(bytes).ip?.tcp?.flags.includes("R"));

interface ForwardedRequest {
  readonly at: number;
  /** By DR: the real server. */
  readonly host?: string | undefined;
}

/** Those that IPVS sent on by DR or TUN. */
function forwardedRequests({ steps, ipvs }: History, flow: Flow): readonly ForwardedRequest[] {
  return steps.flatMap((step, at) => {
    if (step.kind !== "request" || step.flow !== flow) return [];
    return sentBy(ipvs[at]!).flatMap(({ bytes }) => {
      const { ip, destination } = dissect(bytes);
      if (ip?.inner !== undefined) return [{ at }];
      return ip?.destination === flow.virtual.address ? [{ at, host: neighbours.find(({ mac, address }) => mac === destination && addressFamily(address) === ip.version)?.address }] : [];
    });
  });
}

const routedRequests = (history: History, flow: Flow) => forwardedRequests(history, flow).flatMap(({ at, host }) => (host === undefined ? [] : [{ at, host }]));
const sentBy = ({ sent }: Outcome): readonly Passage[] => (sent === undefined || sent === "stack" ? [] : sent);
