// The configuration file as commands take it: read, checked against this machine, and which interfaces it means.

import { readFileSync } from "node:fs";
import { SCHEDULERS } from "#control/encode.js";
import { printDocument } from "#convert/document.js";
import { detectFormat } from "#convert/format.js";
import { formatNote } from "#convert/report.js";
import { usableInterfaces } from "#control/kernel-plane.js";
import { interfaces } from "#kernel/network.js";
import type { Configuration, InterfaceSelection } from "#model/config.js";
import { parseConfig } from "#model/config.js";
import type { ReadIncluded } from "#model/config/include.js";
import { readSources } from "#model/config/include.js";
import { UsageError } from "./errors.js";
import { readIncluded } from "./include.js";

/** weir.yaml, or another program's file as `weir import` reads it. Throws ConfigError with every mistake. */
export async function readConfiguration(file: string): Promise<Configuration> {
  return parseConfiguration(await readWeirYaml(file), file, readIncluded);
}

/** The same, and what a daemon is to be given: what the file says, with what it includes and the environment put in. */
export async function readConfigurationAndDocument(file: string): Promise<{ readonly configuration: Configuration; readonly document: object }> {
  const text = await readWeirYaml(file);
  const configuration = parseConfiguration(text, file, readIncluded);
  return { configuration, document: readSources(text, file, { environment: process.env }, readIncluded).value as object };
}

/** The same of a text. `include`: undefined for a text of somebody else's, who has no say in what files and variables this process reads. */
export function parseConfiguration(text: string, file: string, include: ReadIncluded | undefined): Configuration {
  return parseConfig(text, {
    file, interfaces: interfaces().map(({ name }) => name), schedulers: Object.keys(SCHEDULERS), ...(include && { environment: process.env, readIncluded: include }),
  });
}

/** What weir leaves out of another program's file is said on stderr, line by line. */
async function readWeirYaml(file: string): Promise<string> {
  const text = readText(file);
  const format = detectFormat(file, text);
  if (format === "weir") return text;
  const { importConfiguration } = await import("./import.js");
  const imported = await importConfiguration(format, file, text);
  for (const note of imported.notes) console.error(formatNote(note));
  return printDocument(imported, file);
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read the configuration ${file}: ${(error as Error).message}`);
  }
}

export function selectInterfaces({ interfaces: wanted, mode }: Configuration): readonly InterfaceSelection[] {
  return wanted === "all" ? usableInterfaces().map(({ name }) => ({ name, mode })) : wanted;
}

export function summary({ services }: Configuration): string {
  const destinations = services.reduce((sum, service) => sum + service.destinations.length, 0);
  return `${count(services.length, "service")}, ${count(destinations, "destination")}`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
