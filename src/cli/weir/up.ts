// weir up FILE [--check]: everything is checked before anything is changed; then the running director becomes what the
// file says, and this program ends.

import { readFileSync } from "node:fs";
import type { Configuration, InterfaceSelection } from "#model/config.js";
import { parseConfig } from "#model/config.js";
import { UsageError } from "./errors.js";

export async function up(file: string, { check }: { readonly check: boolean }): Promise<void> {
  const { interfaces } = await import("#kernel/network.js");
  const present = interfaces();
  const configuration = parseConfig(readText(file), { file, interfaces: present.map(({ name }) => name) });
  if (check) return console.log(`${file}: ${summary(configuration)}; no mistakes`);

  const { applyConfiguration } = await import("#control/apply.js");
  const { openDirectorParts } = await import("./parts.js");
  const selected = selectInterfaces(configuration, present.filter(({ loopback }) => !loopback).map(({ name }) => name));
  const lines: string[] = [];
  const parts = await openDirectorParts({ tableEntries: configuration.tableEntries, report: (line) => { lines.push(line); console.log(line); } });
  await applyConfiguration(configuration, selected, parts);
  console.log(`${file}: ${summary(configuration)}${lines.length === 0 ? "; nothing to change" : ""}`);
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read the configuration ${file}: ${(error as Error).message}`);
  }
}

function selectInterfaces({ interfaces, mode }: Configuration, present: readonly string[]): readonly InterfaceSelection[] {
  return interfaces === "all" ? present.map((name) => ({ name, mode })) : interfaces;
}

function summary({ services }: Configuration): string {
  const destinations = services.reduce((sum, service) => sum + service.destinations.length, 0);
  return `${count(services.length, "service")}, ${count(destinations, "destination")}`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
