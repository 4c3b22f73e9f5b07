// What weir install puts in place, and where. /usr/local is the administrator's own, where no package of the system's puts
// anything, and where systemd, man and the shells look too.

import type { Command } from "commander";
import { COMPLETED, completionScript } from "../completion/scripts.js";
import { PAGE_NAMES, manualPage } from "../manual/pages.js";
import type { Place } from "./place.js";
import { sampleConfiguration } from "./sample.js";
import { CONFIGURATION_PATH, systemdUnit } from "./unit.js";

export interface WantedFile {
  /** Seen from the root. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** What is said of another's file at that place, which stays then; undefined: nothing is put where one stands. */
  readonly besideOther?: string;
}

export const UNIT_PATH = "/usr/local/lib/systemd/system/weir.service";
/** ldirectord and others name this one, and find nothing in PATH. */
const SYSTEM_IPVSADM = "/usr/sbin/ipvsadm";

export function wantedFiles(place: Place, program: Command, withIpvsadm: boolean): readonly WantedFile[] {
  const names = COMPLETED.filter((name) => name === "weir" || withIpvsadm);
  return [
    { path: UNIT_PATH, text: systemdUnit(place), mode: 0o644 },
    ...PAGE_NAMES.filter((name) => name !== "ipvsadm" || withIpvsadm).map((name) => manual(name, program)),
    ...names.flatMap((name) => completions(name, program)),
    { path: CONFIGURATION_PATH, text: sampleConfiguration(place.packageFolder), mode: 0o640, besideOther: "it is there already" },
    ...(withIpvsadm ? [SYSTEM_IPVSADM, "/usr/local/sbin/ipvsadm"].map((path) => ipvsadm(path, place)) : []),
  ];
}

function manual(name: (typeof PAGE_NAMES)[number], program: Command): WantedFile {
  const { file, text } = manualPage(name, program);
  return { path: `/usr/local/share/man/man${file.slice(-1)}/${file}`, text, mode: 0o644 };
}

function completions(name: (typeof COMPLETED)[number], program: Command): readonly WantedFile[] {
  return [
    { path: `/usr/local/share/bash-completion/completions/${name}`, text: completionScript("bash", name, program), mode: 0o644 },
    { path: `/usr/local/share/zsh/site-functions/_${name}`, text: completionScript("zsh", name, program), mode: 0o644 },
    { path: `/usr/local/share/fish/vendor_completions.d/${name}.fish`, text: completionScript("fish", name, program), mode: 0o644 },
  ];
}

/** A script, because "#!/usr/bin/env node" finds no node in the short PATH of services. */
function ipvsadm(path: string, { node, packageFolder }: Place): WantedFile {
  const text = `#!/bin/sh\n# Written by weir install --ipvsadm; weir uninstall takes it away.\nexec ${quoted(node)} ${quoted(`${packageFolder}/bin/ipvsadm`)} "$@"\n`;
  if (path !== SYSTEM_IPVSADM) return { path, text, mode: 0o755 };
  const remedy = `to give weir's to programs that name this path, as ldirectord does: dpkg-divert --local --rename --add ${path}, then weir install --ipvsadm again`;
  return { path, text, mode: 0o755, besideOther: `it is the system's own; ${remedy}` };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
