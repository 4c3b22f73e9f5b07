// Finds the first step that two directors took differently, and tells it as a person wants to read it.

import { inspect } from "node:util";
import { dissect, dissectIp } from "#lab/dissect.js";
import { normalizeConnections, normalizeList, normalizePassage } from "./normalize.js";
import type { Listed, Sent } from "./normalize.js";
import type { Script, Step } from "./script.js";
import { describeStep } from "./script.js";
import type { Outcome, Passage, Transcript } from "./transcript.js";

export interface Difference {
  /** The step's place in the script. */
  readonly at: number;
  readonly ipvs: string;
  readonly weir: string;
}

/** Times in lists are whole seconds, and each director counts from its own moment. */
const SECONDS_TOLERATED = 2;

export function firstDifference(script: Script, ipvs: Transcript, weir: Transcript): Difference | undefined {
  for (const [at, step] of script.steps.entries()) {
    const difference = compareStep(step, ipvs[at]!, weir[at]!);
    if (difference !== undefined) return { at, ...difference };
  }
  return undefined;
}

type Told = Omit<Difference, "at">;

function compareStep(step: Step, ipvs: Outcome, weir: Outcome): Told | undefined {
  if (step.kind === "look" && step.at === "connections") return compareConnections(ipvs, weir);
  if (step.kind === "look" || step.kind === "ipvsadm") return told(listText(ipvs), listText(weir));
  return ipvs.received === undefined ? undefined : comparePackets(ipvs, weir, ipvs.received);
}

/** What weir leaves to the stack, IPVS must have left to it too: then it did what a stack without services does. */
function comparePackets(ipvs: Outcome, weir: Outcome, received: Passage): Told | undefined {
  const sent = ipvs.sent as readonly Passage[];
  const byWeir = weir.sent === "stack" ? ipvs.sentByStack! : weir.sent!;
  const text = (passages: readonly Passage[]) => passages.map((passage) => sentText(normalizePassage(passage, received))).join("\n") || "nothing";
  const difference = told(text(sent), text(byWeir));
  if (difference === undefined || weir.sent !== "stack") return difference;
  return { ...difference, weir: `left it to the stack, which sends ${difference.weir}` };
}

function compareConnections(ipvs: Outcome, weir: Outcome): Told | undefined {
  const [ours, theirs] = [normalizeConnections(weir.printed!), normalizeConnections(ipvs.printed!)];
  const same = (one: Listed, other: Listed | undefined) => one.rest === other?.rest && Math.abs(one.seconds - other.seconds) <= SECONDS_TOLERATED;
  if (ours.length === theirs.length && ours.every((one, i) => same(one, theirs[i]))) return undefined;
  const lines = (listed: readonly Listed[], others: readonly Listed[]) => listed.map((one, i) => `${same(one, others[i]) ? "  " : "! "}${one.seconds} s ${one.rest}`).join("\n");
  return { ipvs: lines(theirs, ours), weir: lines(ours, theirs) };
}

const told = (ipvs: string, weir: string): Told | undefined => (ipvs === weir ? undefined : { ipvs, weir });
const listText = ({ printed = "", status = 0 }: Outcome): string => normalizeList(printed) + (status === 0 ? "" : `[exit ${status}]`);

function sentText({ by, to, problems, packet }: Sent): string {
  const problem = problems.length === 0 ? "" : ` (${problems.join("; ")})`;
  return `by ${by} to ${to}${problem}: ${Buffer.from(packet).toString("hex")}`;
}

/** The script up to the difference, what came in there, and what each director made of it. */
export function describeDifference(script: Script, ipvs: Transcript, { at, ...told }: Difference): string {
  const steps = script.steps.slice(0, at + 1).map((step, i) => `${`${i + 1}`.padStart(4)}  ${describeStep(step)}`);
  const received = ipvs[at]!.received;
  return [
    `Script ${script.seed} differs at step ${at + 1} of ${script.steps.length}:`, ...steps,
    ...(received === undefined ? [] : [`--- received by ${received.by}`, dissectionText(dissect(received.bytes))]),
    "--- IPVS", withPackets(told.ipvs), "--- weir", withPackets(told.weir),
  ].join("\n");
}

/** After every packet's line of hexadecimal digits, what it says. */
const withPackets = (text: string): string =>
  text.replace(/: ((?:[0-9a-f]{2}){20,})$/gm, (_line, hex: string) => `: ${hex}\n${dissectionText(dissectIp(Buffer.from(hex, "hex")))}`);

/** Without the bytes, which the fields tell. */
const dissectionText = (dissection: unknown): string =>
  inspect(JSON.parse(JSON.stringify(dissection, (key, value: unknown) => (BYTES.has(key) ? undefined : value))), { depth: 6, breakLength: 160 });
const BYTES: ReadonlySet<string> = new Set(["header", "payload", "options"]);
