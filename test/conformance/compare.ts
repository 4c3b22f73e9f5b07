// Finds the first step that two directors took differently, and tells it as a person wants to read it.

import { dissect, dissectIp } from "#lab/dissect.js";
import { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH } from "#wire/icmp.js";
import { ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH } from "#wire/icmpv6.js";
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
  const textOf = countsRefusedReuse(script, ipvs) ? withoutAnswerCounts : listText;
  for (const [at, step] of script.steps.entries()) {
    const difference = compareStep(step, ipvs[at]!, weir[at]!, textOf);
    if (difference !== undefined) return { at, ...difference };
  }
  return undefined;
}

type Told = Omit<Difference, "at">;

function compareStep(step: Step, ipvs: Outcome, weir: Outcome, textOf: (outcome: Outcome) => string): Told | undefined {
  if (step.kind === "look" && step.at === "connections") return compareConnections(ipvs, weir);
  if (step.kind === "look" || step.kind === "ipvsadm" || step.kind === "sysctl") return told(textOf(ipvs), textOf(weir));
  return ipvs.received === undefined ? undefined : comparePackets(ipvs, weir);
}

/** docs/lvs-compatibility.md: where a client that uses its port again is refused, IPVS counts the error with the connection that is about to end. */
function countsRefusedReuse(script: Script, ipvs: Transcript): boolean {
  return script.steps.some((step, at) => step.kind === "request" && isPortUnreachable(ipvs[at]!)
    && script.steps.slice(0, at).some((before, i) => before.kind === "request" && before.flow.number === step.flow.number));
}

function isPortUnreachable({ sent = [] }: Outcome): boolean {
  return sent !== "stack" && sent.some(({ bytes }) => {
    const { version, icmp } = dissect(bytes).ip ?? {};
    return version === 6 ? icmp?.type === ICMPV6_DEST_UNREACH && icmp.code === ICMPV6_PORT_UNREACH : icmp?.type === ICMP_DEST_UNREACH && icmp.code === ICMP_PORT_UNREACH;
  });
}

/** Statistics without their columns OutPkts and OutBytes. */
const withoutAnswerCounts = (outcome: Outcome): string => listText(outcome).replace(/^(.*?(?: +\d+){2}) +\d+( +\d+) +\d+$/gm, "$1$2");

/** What weir leaves to the stack, IPVS must have left to it too: then it did what a stack without services does. */
function comparePackets(ipvs: Outcome, weir: Outcome): Told | undefined {
  const byWeir = weir.sent === "stack" ? ipvs.sentByStack! : weir.sent!;
  const received = ipvs.received!;
  const text = (passages: readonly Passage[]) => sentText(passages.map((passage) => normalizePassage(passage, received)), received.length > 1);
  const difference = told(text(ipvs.sent as readonly Passage[]), text(byWeir));
  if (difference === undefined || weir.sent !== "stack") return difference;
  return { ...difference, weir: `left to the stack, which sends\n${difference.weir}` };
}

function compareConnections(ipvs: Outcome, weir: Outcome): Told | undefined {
  const [ours, theirs] = [normalizeConnections(weir.printed!), normalizeConnections(ipvs.printed!)];
  const same = (one: Listed, other: Listed | undefined) => one.rest === other?.rest && Math.abs(one.seconds - other.seconds) <= SECONDS_TOLERATED;
  if (ours.length === theirs.length && ours.every((one, i) => same(one, theirs[i]))) return undefined;
  return told(connectionsText(theirs), connectionsText(ours));
}

/** Lines that the other has not are marked. */
function told(ipvs: string, weir: string): Told | undefined {
  return ipvs === weir ? undefined : { ipvs: marked(ipvs, weir), weir: marked(weir, ipvs) };
}

function marked(text: string, other: string): string {
  const lines = new Set(other.split("\n"));
  return text.split("\n").map((line) => (lines.has(line) ? `  ${line}` : `! ${line}`)).join("\n");
}

const listText = ({ printed = "", status = 0 }: Outcome): string => normalizeList(printed) + (status === 0 ? "" : `[exit ${status}]`);
const connectionsText = (listed: readonly Listed[]): string => listed.map(({ seconds, rest }) => `${rest}, ${seconds} s`).join("\n");

/** `anyOrder`: of a packet in fragments, which IPVS puts together, and sends in their order. */
function sentText(passages: readonly Sent[], anyOrder: boolean): string {
  const texts = passages.map(({ by, to, problems, packet }) => [`by ${by} to ${to}`, ...problems, ...fieldsOf(dissectIp(packet)), hex(packet)].join("\n"));
  return (anyOrder ? texts.sort() : texts).join("\n") || "nothing";
}

/** The script up to the difference, what came in there, and what each director made of it. */
export function describeDifference(script: Script, ipvs: Transcript, { at, ...told }: Difference): string {
  const steps = script.steps.slice(0, at + 1).map((step, i) => `${`${i + 1}`.padStart(4)}  ${describeStep(step)}`);
  const received = ipvs[at]!.received;
  return [
    `Script ${script.seed} (${script.features.join(" ")}) differs at step ${at + 1} of ${script.steps.length}:`, ...steps,
    ...(received ?? []).flatMap(({ by, bytes }) => [`--- received by ${by}`, ...fieldsOf(dissect(bytes)), hex(bytes)]),
    "--- IPVS", told.ipvs, "--- weir", told.weir,
  ].join("\n");
}

/** One line a layer: its fields by name, without the bytes that they were read from. */
function fieldsOf(layer: object | undefined, name = ""): readonly string[] {
  const fields = Object.entries(layer ?? {}).filter(([, value]) => !(value instanceof Uint8Array));
  const inner = fields.filter(([, value]) => typeof value === "object");
  const own = fields.filter(([, value]) => typeof value !== "object").map(([field, value]) => `${field} ${value}`).join(", ");
  return [`${name}${own}`, ...inner.flatMap(([field, value]) => fieldsOf(value as object, `${field}: `))];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
