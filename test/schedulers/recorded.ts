// What the real IPVS was recorded to choose, read as data:
//
//   lblc close dst=12 vport=1073 sport=21752+i [r1:1 r2:2 r3:3] then add r4:2: r3 r2 r1 … | r3 r2 r1 …
//      10.1.0.11:80 a=0 i=4;   10.1.0.12:80 a=0 i=8;   10.1.0.13:80 a=0 i=12;
//
// "close": each connection is closed before the next begins; "hold": all stay open. "src=1": one client; "dst=12": one
// client that asks for twelve addresses in turn, all of one service by firewall mark. Members are name:weight, and may go
// on with thresholds, :upper:lower. Changes are "add", "edit" and "del" of a member, and "service" for another scheduler. Behind the bar stand the connections after the change; a line of counts shows those
// before the change, a line with "then" those after it.

import { HASH_FALLBACK, HASH_PORT } from "#dataplane/maps.js";
import type { Destination } from "#model/director.js";
import { destination } from "../packets/case.js";
import type { End } from "../packets/frame.js";
import { VIP, at, client, servers } from "../packets/network.js";
import { linesOf } from "../packets/recording.js";

export interface Recorded {
  readonly text: string;
  readonly scheduler: string;
  readonly schedulerFlags: number;
  readonly held: boolean;
  /** Of the service, the first one that is asked for. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly members: readonly Destination[];
  readonly connections: readonly { readonly from: End; readonly to: End; /** The server's name, or "(refused)". */ readonly outcome: string }[];
  readonly change: Change | undefined;
  /** Every server's active and inactive connections, where they were recorded. */
  readonly counts: readonly string[] | undefined;
  readonly countsAfterChange: readonly string[] | undefined;
}

/** `after`: how many connections came before it. */
export type Change = { readonly after: number } & (
  | { readonly verb: "add" | "edit" | "del"; readonly member: Destination }
  | { readonly verb: "service"; readonly scheduler: string });

const LINE = /^(\w+)(?: -b (\S+))? (close|hold) (?:src=1|dst=(\d+)) vport=(\d+) sport=(\d+)\+i \[(.*?)\](?: then (add|edit|del|service) (\S+))?: (.*)$/;

/** The lines of a recording that are written so. */
export function recordedIn(file: string): readonly Recorded[] {
  const lines = linesOf(file);
  return lines.flatMap((line, i) => {
    const match = LINE.exec(line);
    return match === null ? [] : [readLine(match, lines.slice(i + 1, i + 3))];
  });
}

function readLine(match: RegExpExecArray, next: readonly string[]): Recorded {
  const [text, scheduler, flags = "", form, targets, port, sourcePort, members, verb, changed, results] = match;
  const [before, after = []] = results!.split(" | ").map((names) => names.split(" "));
  const addresses = Array.from({ length: Number(targets ?? 1) }, (_, i) => VIP.replace(/\d+$/, (last) => String(Number(last) + i)));
  return {
    text, scheduler: scheduler!, schedulerFlags: (flags.includes("-fallback") ? HASH_FALLBACK : 0) | (flags.includes("-port") ? HASH_PORT : 0), held: form === "hold", addresses, port: Number(port), members: members!.split(" ").map(toMember),
    connections: [...before!, ...after].map((outcome, i) => ({ from: at(client, Number(sourcePort) + i), to: at(addresses[i % addresses.length]!, Number(port)), outcome })),
    change: verb === undefined ? undefined : { ...toChange(verb as Change["verb"], changed!), after: before!.length },
    counts: countsIn(next.find((line) => line.startsWith("   1"))), countsAfterChange: countsIn(next.find((line) => line.startsWith("   then"))),
  };
}

function toChange(verb: Change["verb"], changed: string) {
  return verb === "service" ? { verb, scheduler: changed } : { verb, member: toMember(changed) };
}

/** "r3:2:5:4" is r3 with weight 2, open again below 4 connections when it has had 5. */
function toMember(text: string): Destination {
  const [name, weight, upper = 0, lower = 0] = text.split(":");
  return destination(servers.find((host) => host.name === name)!, 80, "masq", { weight: Number(weight), upperThreshold: Number(upper), lowerThreshold: Number(lower) });
}

function countsIn(line: string | undefined): readonly string[] | undefined {
  return line?.replace("then", "").split(";").map((count) => count.trim()).filter((count) => count !== "").sort();
}
