// A walk as a table that a newcomer can read: a line a wire, what changed since the line before it, and who changed it.
//
//   from       to         MAC            IP addresses and ports                        TTL
//   client   → router     01:10 → 01:01  198.51.100.10:44312 → 203.0.113.100:80         64
//   router   → director   02:01 → 02:02  198.51.100.10:44312 → 203.0.113.100:80         63  routed

import { alignColumns, type Terminal } from "./terminal.js";
import type { Walk, WalkHeader, WalkStep } from "./walk.js";

type Paint = Pick<Terminal, "bold" | "dim" | "mark">;

/** All MAC addresses of the laboratory begin so (plan.ts). */
const MAC_BEGINNING = "02:00:00:00:";

export function walkTable(walk: Walk, paint: Paint): readonly string[] {
  const rows = [
    ["", "wire", "MAC", "IP addresses and ports", "TTL", "what the sender did"].map(paint.dim),
    ...walk.steps.flatMap((step, i) => stepRows(step, walk.steps[i - 1], paint)),
  ];
  return [...alignColumns(rows, ["left", "left", "left", "left", "right", "left"]), paint.dim(`MAC addresses without their beginning, ${MAC_BEGINNING}`)];
}

function stepRows(step: WalkStep, before: WalkStep | undefined, paint: Paint): string[][] {
  const previous = before?.way === step.way ? before : undefined;
  const inner = step.headers.at(-1);
  const outer = step.headers.length > 1 ? step.headers[0] : undefined;
  const macs = `${shortMac(step.sourceMac)} → ${shortMac(step.destinationMac)}`;
  const [innerAddresses = "", innerTtl = ""] = headerCells(inner, previous?.headers.at(-1), paint);
  const first = [previous ? "" : paint.bold(step.way), `${step.from} → ${step.to}`, macs];
  const note = describeChange(step, previous);
  if (outer === undefined) return [[...first, innerAddresses, innerTtl, note]];
  const previousOuter = previous !== undefined && previous.headers.length > 1 ? previous.headers[0] : undefined;
  return [
    [...first, ...headerCells(outer, previousOuter, paint), note],
    ["", "", "", `└ ${innerAddresses}`, innerTtl, paint.dim("the packet inside")],
  ];
}

/** Addresses and TTL; what differs from the wire before stands out. */
function headerCells(header: WalkHeader | undefined, before: WalkHeader | undefined, paint: Paint): string[] {
  if (header === undefined) return ["", ""];
  const [source, destination] = [endpoint(header.source, header.sourcePort), endpoint(header.destination, header.destinationPort)];
  const painted = (text: string, old: string | undefined): string => (before !== undefined && text !== old ? paint.mark(text) : text);
  return [
    `${painted(source, before && endpoint(before.source, before.sourcePort))} → ${painted(destination, before && endpoint(before.destination, before.destinationPort))}`,
    painted(String(header.ttl), before && String(before.ttl)),
  ];
}

/** What the sending host did to the packet that it received. */
function describeChange(step: WalkStep, before: WalkStep | undefined): string {
  const [now, then] = [step.headers.at(-1), before?.headers.at(-1)];
  if (before === undefined || now === undefined || then === undefined) return step.way === "request" ? "asks" : "answers";
  const changes: string[] = [];
  if (step.headers.length > before.headers.length) changes.push("an IP header around it");
  if (now.destination !== then.destination || now.destinationPort !== then.destinationPort) changes.push("new destination");
  if (now.source !== then.source || now.sourcePort !== then.sourcePort) changes.push("new source");
  if (changes.length > 0) return changes.join(", ");
  return step.from === "director" ? "new MAC addresses only" : "routed";
}

const endpoint = (address: string, port: number | undefined): string => (port === undefined ? address : `${address}:${port}`);
const shortMac = (mac: string): string => (mac.startsWith(MAC_BEGINNING) ? mac.slice(MAC_BEGINNING.length) : mac);
