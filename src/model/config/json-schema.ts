// The JSON Schema of weir.yaml, for editors: made from the schemas that read it (schema.ts). Rules that look at more than one key,
// and what is true of one machine, are not in it: `weir plan FILE` knows them.

import { z } from "zod";
import {
  AddressFields, ApiFields, ApiSocketFields, ApiTlsFields, CHECK_FIELDS, DefaultsFields, DestinationFields, InterfaceFields, MarkFields, NotificationFields, QuorumFields, ReplyFields, RequestFields, ServiceFields,
  SorryServerFields, SyncFields, SysctlKeys, DestinationTableFields, TableFields, TimeoutFields, TopFields, TunnelFields,
} from "./schema.js";
import { meaningOf } from "./meanings.js";
import { SYSCTLS } from "../sysctls.js";

export interface JsonSchema { readonly [keyword: string]: unknown }

const ref = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });
const listOf = (items: JsonSchema): JsonSchema => ({ type: "array", items });

const NOTIFICATION: JsonSchema = { anyOf: [{ type: "string" }, listOf({ type: "string" }), ref("notification")] };

/** What a key holds that schema.ts leaves to be read piece by piece. */
const INNER: { readonly [key: string]: JsonSchema } = {
  defaults: ref("defaults"),
  services: listOf(ref("service")),
  destinations: listOf(ref("destination")),
  interfaces: listOf({ anyOf: [{ type: "string", minLength: 1 }, ref("interface")] }),
  addresses: listOf(ref("address")),
  timeouts: ref("timeouts"),
  connectionTable: ref("connectionTable"),
  destinationTable: ref("destinationTable"),
  marks: listOf(ref("mark")),
  sync: listOf(ref("syncDaemon")),
  sysctl: ref("sysctl"),
  api: ref("api"),
  socket: ref("socket"),
  tls: ref("tls"),
  include: { anyOf: [{ type: "string", minLength: 1 }, listOf({ type: "string", minLength: 1 })] },
  tunnel: ref("tunnel"),
  checks: listOf(ref("check")),
  quorum: ref("quorum"),
  notifyUp: NOTIFICATION,
  notifyDown: NOTIFICATION,
  sorryServer: ref("sorryServer"),
  requests: { ...listOf(ref("request")), minItems: 1 },
  reply: { anyOf: [{ type: "boolean" }, ref("reply")] },
};

/** JSON Schema 2020-12. */
export function configJsonSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "weir.yaml",
    description: "The configuration of a weir director: weir.yaml(5)",
    ...mapping(TopFields),
    $defs: {
      defaults: mapping(DefaultsFields),
      service: mapping(ServiceFields),
      destination: { ...mapping(DestinationFields), required: ["address"] },
      interface: { ...mapping(InterfaceFields), required: ["name"] },
      address: { ...mapping(AddressFields), required: ["vip", "interface"] },
      timeouts: mapping(TimeoutFields),
      connectionTable: mapping(TableFields),
      destinationTable: mapping(DestinationTableFields),
      notification: { ...mapping(NotificationFields), required: ["command"] },
      mark: { ...mapping(MarkFields), required: ["mark"] },
      syncDaemon: { ...mapping(SyncFields), required: ["role", "interface"] },
      sysctl: mapping(SysctlKeys, Object.fromEntries(Object.entries(SYSCTLS).map(([name, { expected }]) => [name, sysctlSchema(expected)]))),
      api: mapping(ApiFields),
      socket: mapping(ApiSocketFields),
      tls: { ...mapping(ApiTlsFields), required: ["listen", "certificate", "key", "tokens"] },
      tunnel: mapping(TunnelFields),
      quorum: mapping(QuorumFields),
      sorryServer: { ...mapping(SorryServerFields), required: ["address"] },
      check: { type: "object", required: ["type"], oneOf: Object.entries(CHECK_FIELDS).map(([type, fields]) => checkSchema(type, fields)) },
      request: mapping(RequestFields),
      reply: mapping(ReplyFields),
      variable: { type: "string", pattern: "\\$\\{", description: "a variable of the environment" },
    },
  };
}

function mapping(fields: z.ZodObject, inner: { readonly [key: string]: JsonSchema } = INNER): JsonSchema {
  const { $schema: _draft, properties = {}, ...rest } = z.toJSONSchema(fields, { io: "input", unrepresentable: "any" });
  const complete = Object.entries(properties).map(([key, schema]) => [key, orVariable({ ...explained(fields, key, schema as JsonSchema), ...inner[key] })]);
  return { ...rest, properties: Object.fromEntries(complete) };
}

/** What an editor shows of a key: its meaning, and what it may hold. */
function explained(fields: z.ZodObject, key: string, schema: JsonSchema): JsonSchema {
  const meaning = meaningOf(fields, key)?.meaning;
  return meaning === undefined ? schema : { ...schema, description: `${meaning.replaceAll("`", "")}. Holds ${schema.description}.` };
}

function checkSchema(type: string, fields: z.ZodObject): JsonSchema {
  const { properties, ...rest } = mapping(fields);
  return { ...rest, properties: { ...(properties as JsonSchema), type: { const: type } }, required: type === "script" ? ["type", "command"] : ["type"] };
}

/** As `weir sysctl` reads them: numbers, or text with one or two. */
function sysctlSchema(expected: string): JsonSchema {
  return { description: expected, anyOf: [{ type: "integer" }, { type: "string" }, { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 2 }] };
}

/** A number, a switch or a name may be left to the environment: ${NAME}. */
function orVariable(schema: JsonSchema): JsonSchema {
  const isScalar = schema.type === "integer" || schema.type === "number" || schema.type === "boolean" || schema.enum !== undefined || schema.pattern !== undefined;
  if (!isScalar) return schema;
  const { description, ...rest } = schema;
  return { description, anyOf: [rest, ref("variable")] };
}
