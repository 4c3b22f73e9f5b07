// weir install [--ipvsadm] [--root DIR]: the unit of systemd, the manual, the shells' completion, a first weir.yaml, and ipvsadm if it is
// asked for. Everything is decided before anything is changed; what others have put stays. weir uninstall: all of it back.

import { existsSync, lstatSync, readdirSync, realpathSync, rmdirSync, rmSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { Command } from "commander";
import { runCommand } from "#kernel/command.js";
import type { WantedFile } from "./install/files.js";
import { UNIT_PATH, wantedFiles } from "./install/files.js";
import type { Place } from "./install/place.js";
import { inRoot, placeIn } from "./install/place.js";
import type { InstallRecord } from "./install/record.js";
import { hashOf, readRecord, readText, RECORD_PATH } from "./install/record.js";
import { InstallError, Steps } from "./install/steps.js";

export interface InstallOptions {
  readonly ipvsadm: boolean;
  readonly root: string;
}

type Decision =
  | { readonly kind: "put" | "replaced" | "stands"; readonly file: WantedFile }
  | { readonly kind: "kept" | "refused"; readonly file: WantedFile; readonly reason: string };

export function install({ ipvsadm, root }: InstallOptions, program: Command): void {
  const place = placeIn(resolve(root));
  const record = readRecord(place) ?? { files: {}, folders: [] };
  // Once asked for, it stays until weir uninstall.
  const withIpvsadm = ipvsadm || Object.keys(record.files).some((path) => path.endsWith("/ipvsadm"));
  const decisions = wantedFiles(place, program, withIpvsadm).map((file) => decide(file, place, record));
  refuse(decisions);
  carryOut(decisions, place, record);
  for (const decision of decisions) console.log(describe(decision));
  console.log(closing(decisions, place));
}

function decide(file: WantedFile, place: Place, { files }: InstallRecord): Decision {
  const path = inRoot(place, file.path);
  const found = readText(path);
  const recorded = files[file.path];
  if (found === undefined) return { kind: "put", file };
  if (found === file.text) return { kind: "stands", file };
  if (recorded === hashOf(found)) return { kind: "replaced", file };
  if (recorded !== undefined) return { kind: "kept", file, reason: "it was changed since weir install put it; to have weir's own again, remove it and run weir install" };
  if (isOfPackage(path, place)) return { kind: "stands", file };
  if (file.besideOther !== undefined) return { kind: "kept", file, reason: file.besideOther };
  return { kind: "refused", file, reason: "is there, and weir install did not put it; move it away" };
}

/** npm links the manual's pages by itself. */
function isOfPackage(path: string, { source }: Place): boolean {
  return lstatSync(path).isSymbolicLink() && !relative(source, realpathSync(path)).startsWith("..");
}

function refuse(decisions: readonly Decision[]): void {
  const refused = decisions.flatMap((decision) => (decision.kind === "refused" ? [`${decision.file.path} ${decision.reason}`] : []));
  if (refused.length > 0) throw new InstallError(`${refused.join("\n")}\nNothing was changed.`);
}

/** The record is there before the first file is: a run that is cut off can be taken back too. */
function carryOut(decisions: readonly Decision[], place: Place, record: InstallRecord): void {
  const changes = decisions.filter(({ kind }) => kind === "put" || kind === "replaced").map(({ file }) => file);
  if (changes.length === 0) return;
  const steps = new Steps();
  const folders = [...changes.map(({ path }) => path), RECORD_PATH].flatMap((path) => steps.makeFolder(dirname(inRoot(place, path)))).map((folder) => `/${relative(place.root, folder)}`);
  const files = { ...record.files, ...Object.fromEntries(changes.map(({ path, text }) => [path, hashOf(text)])) };
  steps.put(inRoot(place, RECORD_PATH), `${JSON.stringify({ files, folders: [...record.folders, ...folders] }, null, 2)}\n`, 0o644);
  for (const { path, text, mode } of changes) steps.put(inRoot(place, path), text, mode);
  if (runsSystemd(place)) steps.run("have systemd read its units again", () => systemctl("daemon-reload"));
}

function describe(decision: Decision): string {
  const { kind, file: { path } } = decision;
  return kind === "kept" || kind === "refused" ? `kept ${path}: ${decision.reason}` : `${kind} ${path}`;
}

function closing(decisions: readonly Decision[], place: Place): string {
  if (decisions.every(({ kind }) => kind === "stands" || kind === "kept")) return "nothing to change";
  return runsSystemd(place) ? "installed; systemctl enable --now weir starts the daemon" : "installed";
}

export function uninstall({ root }: { readonly root: string }): void {
  const place = placeIn(resolve(root));
  const record = readRecord(place);
  if (record === undefined) return console.log("weir install has put nothing here; nothing to take back");
  const hasUnit = UNIT_PATH in record.files && existsSync(inRoot(place, UNIT_PATH)) && runsSystemd(place);
  // The daemon ends; what it has set up in the kernel forwards on.
  if (hasUnit) attempt("stop and disable weir.service", () => systemctl("disable", "--now", "weir.service"));
  for (const [path, hash] of Object.entries(record.files).reverse()) console.log(takeAway(path, hash, place));
  attempt(`take away ${RECORD_PATH}`, () => rmSync(inRoot(place, RECORD_PATH)));
  for (const folder of [...record.folders].reverse()) removeEmpty(inRoot(place, folder));
  if (hasUnit) attempt("have systemd read its units again", () => systemctl("daemon-reload"));
  console.log("uninstalled; forwarding goes on as it stands, weir down ends it");
}

function takeAway(path: string, hash: string, place: Place): string {
  const found = readText(inRoot(place, path));
  if (found === undefined) return `gone ${path}: it was taken away before`;
  if (hashOf(found) !== hash) return `kept ${path}: it was changed since weir install put it`;
  attempt(`take away ${path}`, () => rmSync(inRoot(place, path)));
  return `taken ${path}`;
}

/** Others may have put something there since. */
function removeEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) attempt(`take away ${folder}`, () => rmdirSync(folder));
}

/** What was taken away before a failure stays so; the record stays too, so that uninstall can be run again. */
function attempt(attempted: string, work: () => void): void {
  new Steps().run(attempted, work);
}

/** sd_booted(3). */
const runsSystemd = ({ root }: Place): boolean => root === "/" && existsSync("/run/systemd/system");

function systemctl(...args: readonly string[]): void {
  runCommand("systemctl", args, { attempted: `run systemctl ${args.join(" ")}` });
}
