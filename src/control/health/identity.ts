// Who runs a program, by name, as numbers.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** "nobody", "nobody:nogroup" or "nobody nogroup", by name or number. Throws when there is no such user or group. */
export function identityOf(user: string): { readonly uid: number; readonly gid: number } {
  const [name = "", groupName] = user.split(/[:\s]+/);
  const account = findEntry("passwd", name);
  if (account === undefined) throw new Error(`there is no user "${name}"`);
  const group = groupName === undefined ? undefined : findEntry("group", groupName);
  if (groupName !== undefined && group === undefined) throw new Error(`there is no group "${groupName}"`);
  return { uid: Number(account[2]), gid: Number(group?.[2] ?? account[3]) };
}

/** What other sources of names than files said: they are asked by a program, which takes milliseconds. What is not there is asked for anew. */
const foundElsewhere = new Map<string, readonly string[]>();

function findEntry(database: "passwd" | "group", name: string): readonly string[] | undefined {
  const entry = matching(readFileSync(`/etc/${database}`, "utf8"), name) ?? foundElsewhere.get(`${database} ${name}`);
  if (entry !== undefined) return entry;
  const elsewhere = matching(spawnSync("getent", [database, "--", name], { encoding: "utf8" }).stdout ?? "", name);
  if (elsewhere !== undefined) foundElsewhere.set(`${database} ${name}`, elsewhere);
  return elsewhere;
}

function matching(lines: string, name: string): readonly string[] | undefined {
  return lines.split("\n").map((line) => line.split(":")).find((fields) => fields.length > 3 && (fields[0] === name || fields[2] === name));
}

/** Whether this machine knows a user, or a user and a group, of that name. */
export function isKnown(user: string): boolean {
  try {
    identityOf(user);
    return true;
  } catch {
    return false;
  }
}
