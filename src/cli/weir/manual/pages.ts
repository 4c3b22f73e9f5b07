// The manual pages by name.

import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { configPage } from "./config-page.js";
import { ipvsadmPage } from "./ipvsadm-page.js";
import { weirPage } from "./weir-page.js";
import type { Page } from "./roff.js";
import { writePage } from "./roff.js";

export const PAGE_NAMES = ["weir", "weir.yaml", "ipvsadm"] as const;
export type PageName = (typeof PAGE_NAMES)[number];

interface ManualPage {
  /** As manuals are filed: "weir.yaml.5". */
  readonly file: string;
  readonly text: string;
}

export function manualPage(name: PageName, program: Command): ManualPage {
  const page = PAGES[name](program);
  return { file: `${page.name}.${page.section}`, text: writePage(page, program.version()!, manualDate()) };
}

const PAGES: { readonly [name in PageName]: (program: Command) => Page } = { weir: weirPage, "weir.yaml": configPage, ipvsadm: ipvsadmPage };

/** When the version was released; of one that is not yet, today, or the day that builds of packages are told to take. */
function manualDate(): string {
  const changes = readFileSync(new URL("../../../../CHANGELOG.md", import.meta.url), "utf8");
  const [, released] = /^## .* — (\d{4}-\d\d-\d\d)$/m.exec(changes) ?? [];
  const { SOURCE_DATE_EPOCH: seconds } = process.env;
  return released ?? (seconds === undefined ? new Date() : new Date(Number(seconds) * 1000)).toISOString().slice(0, 10);
}
