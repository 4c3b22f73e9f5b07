// Commands as weir.yaml writes them: words in a list, or one string that is split at blanks as a shell would, quotes respected. No
// shell ever sees them, so nothing in them is expanded.

import type { ConfigPath } from "./error.js";
import type { IssueList } from "./source.js";
import { isMapping, readFields, show } from "./fields.js";
import { NotificationFields } from "./schema.js";
import type { Command } from "../health.js";

/** As a notification stands in the file. */
export type CommandKeys = string | readonly string[] | { readonly [key: string]: unknown };

/** Undefined where there is none, or where there was a mistake. */
export function readNotification(keys: CommandKeys | undefined, path: ConfigPath, issues: IssueList): Command | undefined {
  if (keys === undefined) return undefined;
  if (!isMapping(keys)) return withUser(readCommand(keys, path, issues), undefined);
  const { command, user } = readFields(NotificationFields, keys, path, issues);
  if (command === undefined) return void issues.missing([...path, "command"], "give the program and its arguments");
  return withUser(readCommand(command, [...path, "command"], issues), user);
}

const withUser = (words: readonly string[] | undefined, user: string | undefined): Command | undefined => words && { words, user };

/** Undefined where there is none, or where there was a mistake. */
export function readCommand(command: string | readonly string[] | undefined, path: ConfigPath, issues: IssueList): readonly string[] | undefined {
  if (command === undefined) return undefined;
  const words = typeof command === "string" ? splitCommand(command) : command;
  if (words === undefined) return void issues.add(path, `${show(command)} has a quote that does not end; end it, or write a list of words`);
  if (words[0] === undefined || words[0] === "") return void issues.add(path, "is empty; give the program and its arguments");
  return words;
}

/** POSIX.1-2024 Shell Command Language 2.2, Quoting; undefined where a quote does not end. */
export function splitCommand(text: string): string[] | undefined {
  const words: string[] = [];
  let rest = text.trimStart();
  while (rest !== "") {
    const word = /^(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/s.exec(rest)?.[0];
    if (word === undefined) return undefined;
    words.push(unquote(word));
    const after = rest.slice(word.length);
    if (after !== "" && !/^\s/.test(after)) return undefined;
    rest = after.trimStart();
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_all, single?: string, double?: string, escaped?: string) =>
    single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? "");
}
