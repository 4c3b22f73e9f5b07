// What a map's memory looks like, as a short text: versions of weir share a pinned map if they agree on it to the byte.

import { createHash } from "node:crypto";
import type { FieldType } from "#layout/struct.js";
import type { MapSpec } from "#ebpf/spec.js";

/** Sixteen hexadecimal digits; of a table, whatever its number of entries. */
export function layoutOf({ type, key, value, keySize, valueSize, maxEntries, flags, tableEntries }: MapSpec): string {
  const words = [type, flags, keySize, describe(key), tableEntries === undefined ? valueSize : (valueSize * maxEntries) / tableEntries, describe(value)];
  return createHash("sha256").update(words.join(" ")).digest("hex").slice(0, 16);
}

/** "{address@0:Be32 port@4:Be16}" */
function describe(type: FieldType | undefined): string {
  if (type === undefined) return "";
  if (type.kind === "integer") return type.typeName;
  if (type.kind === "array") return `${describe(type.element)}*${type.length}`;
  return `{${type.fields.map((field) => `${field.name}@${field.offset}:${describe(field.type)}`).join(" ")}}`;
}
