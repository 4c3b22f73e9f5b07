// weir man [NAME]: a page of the manual, in the source that man reads.

import type { Command } from "commander";
import type { PageName } from "./manual/pages.js";
import { manualPage } from "./manual/pages.js";

export function man(name: PageName, program: Command): void {
  process.stdout.write(manualPage(name, program).text);
}
