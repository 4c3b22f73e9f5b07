// Who runs a script: "USER [GROUP]", in script_user, user, notify_up and their like.

import { show } from "#model/config/fields.js";
import type { Reading } from "./read.js";
import type { Directive } from "./tree.js";

/** What script_user is where it is not said, if there is such a user. keepalived 2.2.7 lib/notify.h, DEFAULT_SCRIPT_USER. */
export const SCRIPT_USER = "keepalived_script";

/** As weir.yaml writes it: "nobody", "nobody:nogroup". `index`: of the user's name among the values. */
export function readUser(directive: Directive, index: number, reading: Reading): string | undefined {
  const names = [reading.word(directive, "the name of a user", index), directive.values[index + 1]].filter((name) => name !== undefined);
  const wrong = names.find((name) => !/^[^\s:]+$/.test(name));
  if (wrong !== undefined) reading.report.mistake(directive, `${directive.keyword}: ${show(wrong)} is not the name of a user or a group`);
  return names.length === 0 || wrong !== undefined ? undefined : names.join(":");
}
