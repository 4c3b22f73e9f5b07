// weir's schemas as a C header, so that the C program has no second copy of them.

import * as maps from "#dataplane/maps.js";
import { Verdict } from "#dataplane/verdict.js";
import type { IntegerType } from "#layout/numbers.js";
import type { Field, FieldType, StructType } from "#layout/struct.js";
import { sizeOf } from "#layout/struct.js";
import { IPV4 } from "#dataplane/config.js";
import { Address } from "#wire/address.js";
import { CConnection, CConnectionKey } from "./c-maps.js";

const STRUCTS: readonly StructType<any, any>[] = [
  Address, maps.Settings, maps.Sysctls, maps.ServiceKey, maps.ServiceSlot, maps.ServicePlaces, maps.Service, maps.Member, maps.SchedulerState, maps.Hop, maps.Destination, maps.DestinationCounters,
  CConnectionKey, CConnection,
];

export function cHeader(): string {
  return [
    "#pragma once", "#include <linux/types.h>",
    ...Object.entries(maps).filter(([, value]) => typeof value === "number").map(([name, value]) => `#define ${name} ${String(value)}`),
    `#define IPV4 ${IPV4}`,
    ...Object.entries(Verdict).map(([name, value]) => `#define VERDICT_${name} ${value}`),
    ...STRUCTS.map(declaration), "",
  ].join("\n");
}

function declaration(type: StructType): string {
  return [`struct ${type.name} {`, ...type.fields.map((field) => `\t${member(field)};`), "};",
    `_Static_assert(sizeof(struct ${type.name}) == ${type.size}, "${type.name}");`].join("\n");
}

function member({ name, type }: Field): string {
  return type.kind === "array" ? `${typeName(type.element as FieldType)} ${name}[${type.length}]` : `${typeName(type)} ${name}`;
}

function typeName(type: FieldType): string {
  return type.kind === "struct" ? `struct ${(type as StructType).name}` : `__u${sizeOf(type as IntegerType) * 8}`;
}
