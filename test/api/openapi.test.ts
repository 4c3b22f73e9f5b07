// The OpenAPI document: it is the committed one, it is whole, and it and the typed client know the same.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "#api/client.js";
import { API_PROBLEMS, DIRECTOR_PROBLEMS } from "#api/problems.js";
import { MemoryApi } from "./memory-api.js";

// Compiled, this file is dist/out/test/api/openapi.test.js.
const root = fileURLToPath(new URL("../../../../", import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { version: string };
const api = new MemoryApi({ operations: { version } });
const document = (await api.ask("GET", "/v1/openapi.json")).body as Record<string, any>;
const operations: readonly (readonly [string, string, any])[] = Object.entries<Record<string, any>>(document["paths"]).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [method, path, operation] as const));

test("docs/openapi.json is what the daemon serves", () => {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (process.env["WEIR_GOLDEN"] === "write") writeFileSync(`${root}docs/openapi.json`, text);
  assert.equal(readFileSync(`${root}docs/openapi.json`, "utf8"), text, "WEIR_GOLDEN=write makes it so");
});

test("it has every route of the server, and no other", () => {
  assert.deepEqual(operations.map(([method, path]) => `${method} ${path}`).sort(), api.api.routes.map(({ method, path }) => `${method} ${path}`).sort());
  assert.ok(operations.length > 30);
});

test("every reference leads somewhere, every schema says what it is, every schema is used", () => {
  const used = new Set<string>();
  const walk = (node: unknown, place: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { $ref, type, required, properties } = node as Record<string, any>;
    if (typeof $ref === "string") {
      const found = $ref.replace(/^#\//, "").split("/").reduce((inner: any, step) => inner?.[step], document);
      assert.notEqual(found, undefined, `${place}: ${$ref}`);
      used.add($ref);
    }
    // `type` is a property's name too.
    if (typeof type === "string" && !place.endsWith("/properties")) assert.ok(["object", "array", "string", "number", "integer", "boolean", "null"].includes(type), `${place}: ${type}`);
    if (Array.isArray(required)) for (const key of required) assert.ok(key in properties, `${place}: ${key}`);
    for (const [key, inner] of Object.entries(node)) walk(inner, `${place}/${key}`);
  };
  walk({ paths: document["paths"], components: document["components"] }, "");
  assert.deepEqual(Object.keys(document["components"].schemas).map((name) => `#/components/schemas/${name}`).filter((ref) => !used.has(ref)), []);
});

test("every operation has a name of its own, its parameters, one good answer, and problems for the others", () => {
  assert.equal(document["openapi"], "3.1.0");
  const codes = Object.keys({ ...API_PROBLEMS, ...DIRECTOR_PROBLEMS });
  assert.equal(new Set(operations.map(([, , { operationId }]) => operationId)).size, operations.length);
  for (const [method, path, { operationId, summary, parameters = [], responses, requestBody }] of operations) {
    assert.ok(summary.length > 5, operationId);
    const inPath = parameters.filter(({ in: where }: { in: string }) => where === "path");
    assert.deepEqual(inPath.map(({ name }: { name: string }) => name), [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name), operationId);
    assert.ok(inPath.every(({ required }: { required: boolean }) => required));
    const [good, bad] = [Object.keys(responses).filter((status) => status < "300"), Object.keys(responses).filter((status) => status >= "300")];
    assert.equal(good.length, 1, operationId);
    for (const status of bad) {
      assert.deepEqual(Object.keys(responses[status].content), ["application/problem+json"], `${operationId} ${status}`);
      for (const [, code] of responses[status].description.matchAll(/([A-Z_]+):/g)) assert.ok(codes.includes(code));
    }
    if (requestBody !== undefined) assert.ok(["post", "put", "patch"].includes(method) && requestBody.required, operationId);
  }
});

test("the client has a method for everything", () => {
  const client = connect() as unknown as Record<string, any>;
  const lacking = operations.map(([, , { operationId }]) => operationId as string).filter((id) => {
    const [noun, verb] = id.split(".") as [string, string];
    return ![client[noun]?.[verb], client[noun], client[verb]].some((found) => typeof found === "function");
  });
  assert.deepEqual(lacking, []);
});
