// What weir install has put in place, so that weir uninstall takes back exactly that: each file with the hash of what was put.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Place } from "./place.js";
import { inRoot } from "./place.js";

export const RECORD_PATH = "/var/lib/weir/install.json";

export interface InstallRecord {
  /** SHA-256, by path seen from the root. */
  readonly files: Readonly<Record<string, string>>;
  /** Folders that were not there before, the outer ones first. */
  readonly folders: readonly string[];
}

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Undefined where nothing is installed. */
export function readRecord(place: Place): InstallRecord | undefined {
  const text = readText(inRoot(place, RECORD_PATH));
  return text === undefined ? undefined : JSON.parse(text) as InstallRecord;
}

/** Undefined where there is no such file; links are followed. What is no file at all has no text that could be weir's. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EISDIR") return "";
    throw error;
  }
}
