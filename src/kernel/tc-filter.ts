// A TC program on an interface the way it was done before TCX (6.6): a cls_bpf filter in direct-action mode on a clsact
// qdisc, put there by `tc`. The filter is found again by a preference and a handle that are weir's own.

import { runCommand } from "./command.js";
import type { Device, Direction } from "./link.js";

/** Filters with a lower preference run first; other tools count from 1 or let the kernel count down from 49152. */
const PREFERENCE = 7;
const HANDLE = 0x7765_6972; // "weir"

interface TcQdiscJson { readonly kind: string }
interface TcFilterJson {
  readonly pref: number;
  readonly options?: { readonly handle?: string; readonly prog?: { readonly id: number }; readonly bpf_name?: string };
}

/** Puts the program pinned at `programPath` in place, or in the place of an earlier one of weir's. */
export function attachTcFilter(programPath: string, device: Device, direction: Direction): void {
  const attempted = `attach TC program to the ${direction} of "${device.name}"`;
  if (!hasClsact(device)) runCommand("tc", ["qdisc", "add", "dev", device.name, "clsact"], { attempted });
  runCommand("tc", ["filter", "replace", ...place(device, direction), "bpf", "direct-action", "object-pinned", programPath], { attempted });
}

/** False when weir has no filter there. The qdisc stays: others may have come to use it, and empty it costs nothing. */
export function detachTcFilter(device: Device, direction: Direction): boolean {
  if (findTcFilter(device, direction) === undefined) return false;
  runCommand("tc", ["filter", "delete", ...place(device, direction), "bpf"], { attempted: `detach TC program from the ${direction} of "${device.name}"` });
  return true;
}

/** The program of weir's filter, or undefined. */
export function findTcFilter(device: Device, direction: Direction): { readonly programId: number } | undefined {
  if (!hasClsact(device)) return undefined;
  const filters = tc<TcFilterJson>(["filter", "show", "dev", device.name, direction], device);
  const ours = filters.find(({ pref, options }) => pref === PREFERENCE && Number(options?.handle) === HANDLE);
  return ours?.options?.prog === undefined ? undefined : { programId: ours.options.prog.id };
}

const place = (device: Device, direction: Direction): string[] =>
  ["dev", device.name, direction, "protocol", "all", "pref", String(PREFERENCE), "handle", `0x${HANDLE.toString(16)}`];

function hasClsact(device: Device): boolean {
  return tc<TcQdiscJson>(["qdisc", "show", "dev", device.name], device).some(({ kind }) => kind === "clsact");
}

function tc<Json>(args: readonly string[], device: Device): readonly Json[] {
  const output = runCommand("tc", ["-j", ...args], { attempted: `see which TC programs are on "${device.name}"` });
  return output.trim() === "" ? [] : JSON.parse(output) as Json[];
}
