// A script is data: what the administrator and the network do, one thing after the other. It names flows, not servers:
// who answers is whom the director sent the flow's last packet to, and that is what is tested.

import type { SysctlName } from "#model/sysctls.js";
import type { End } from "../packets/frame.js";
import { endText } from "./addresses.js";

export interface Script {
  /** What generate() made it of. */
  readonly seed: number;
  /** Those that take part. */
  readonly features: readonly string[];
  readonly steps: readonly Step[];
}

export type Step = Command | Setting | Request | Answer | Unasked | ErrorReport | Wait | Look;

/** An ipvsadm command line. */
export interface Command {
  readonly kind: "ipvsadm";
  readonly words: readonly string[];
}

/** A sysctl of net.ipv4.vs, written. */
export interface Setting {
  readonly kind: "sysctl";
  readonly name: SysctlName;
  readonly value: number;
}

/** Nothing, for a while. */
export interface Wait {
  readonly kind: "wait";
  readonly milliseconds: number;
}

export interface Flow {
  /** Its own in the script. */
  readonly number: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly client: End;
  readonly virtual: End;
}

/** From the flow's client, by eth0. */
export interface Request {
  readonly kind: "request";
  readonly flow: Flow;
  readonly datagram: Datagram;
}

/** From the server that got the flow's last request, by eth1. Nothing comes when none did. */
export interface Answer {
  readonly kind: "answer";
  readonly flow: Flow;
  readonly datagram: Datagram;
}

/** From a real server to a flow's client, by eth1: as if it had been asked. */
export interface Unasked {
  readonly kind: "unasked";
  readonly flow: Flow;
  readonly server: End;
  readonly datagram: Datagram;
}

export interface Datagram {
  /** Not 0, and no other datagram's in the script. */
  readonly identification: number;
  readonly payloadBytes: number;
  /** Of TCP. */
  readonly flags?: number;
  /** Of SCTP: their types; the first one has the payload. */
  readonly chunks?: readonly number[];
  /** Instead of the flow's protocol, between the same ends. */
  readonly sealed?: "ah" | "esp";
  readonly ttl?: number;
  readonly typeOfService?: number;
  readonly dontFragment?: boolean;
  /** Of UDP. */
  readonly withoutChecksum?: boolean;
  /** In fragments, of so many bytes of data. */
  readonly cut?: number;
  /** Behind the first fragment the others come from the last one on. */
  readonly lastFirst?: boolean;
}

/** An ICMP error about the last packet of a flow that the director sent that way. */
export interface ErrorReport {
  readonly kind: "error";
  readonly flow: Flow;
  readonly about: "request" | "answer";
  /** About this answer, which nobody gave. */
  readonly invented?: Datagram;
  /** From the one that the packet was for, or from a router on the way to it. */
  readonly from: "end" | "router";
  readonly type: number;
  readonly code: number;
  /** The MTU of a "fragmentation needed", else 0. */
  readonly rest: number;
  /** Bytes of the packet. */
  readonly quotes: number;
  readonly identification: number;
}

/** What ipvsadm shows. Statistics are looked at when a script is over: IPVS shows them late. */
export interface Look {
  readonly kind: "look";
  readonly at: LookedAt;
}

export type LookedAt = "services" | "connections" | "statistics";

export const LOOKS: { readonly [at in LookedAt]: readonly string[] } = {
  services: ["-Ln"],
  connections: ["-Lnc"],
  statistics: ["-Ln", "--stats", "--exact"],
};

const FLAG_LETTERS = "FSRPAU";

/** One line, as a person reads it. */
export function describeStep(step: Step): string {
  if (step.kind === "ipvsadm") return `ipvsadm ${step.words.join(" ")}`;
  if (step.kind === "sysctl") return settingText(step);
  if (step.kind === "look") return `ipvsadm ${LOOKS[step.at].join(" ")}`;
  if (step.kind === "wait") return `${step.milliseconds} ms pass`;
  const { flow } = step;
  const name = `flow ${flow.number}, ${flow.protocol} ${endText(flow.client)} to ${endText(flow.virtual)}`;
  if (step.kind === "unasked") return `${name}: unasked from ${endText(step.server)}, ${datagramText(step.datagram)}`;
  if (step.kind === "error") return `${name}: ${errorText(step)}`;
  return `${name}: ${step.kind} ${datagramText(step.datagram)}`;
}

const errorText = ({ type, code, rest, about, invented, from, quotes }: ErrorReport): string =>
  `ICMP ${type}/${code} (${rest}) about ${invented === undefined ? "the" : "no"} ${about} from its ${from}, quoting ${quotes} bytes`;

/** As the program sysctl takes it. */
export const settingText = ({ name, value }: Setting): string => `net.ipv4.vs.${name}=${value}`;

function datagramText({ flags, chunks, sealed, payloadBytes, ttl, typeOfService, dontFragment, withoutChecksum, cut, lastFirst }: Datagram): string {
  return [
    ...(flags === undefined ? [] : [[...FLAG_LETTERS].filter((_, bit) => ((flags >> bit) & 1) !== 0).join("") || "no flags"]),
    ...(chunks === undefined ? [] : [`chunks ${chunks.join(" ")}`]),
    ...(sealed === undefined ? [] : [sealed]),
    `${payloadBytes} bytes`,
    ...(ttl === undefined ? [] : [`TTL ${ttl}`]),
    ...(typeOfService === undefined ? [] : [`TOS ${typeOfService}`]),
    ...(dontFragment === false ? ["may be fragmented"] : []),
    ...(withoutChecksum === true ? ["without a checksum"] : []),
    ...(cut === undefined ? [] : [`cut at ${cut} bytes`]),
    ...(lastFirst === true ? ["the last fragments first"] : []),
  ].join(", ");
}
