// The description of all this, for programs: OpenAPI 3.1, made from the schemas that requests are read by.

import { z } from "zod";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";

const Document = z.record(z.string(), z.unknown()).meta({ id: "OpenApi", description: "OpenAPI 3.1" });

export function addOpenApiRoutes(routes: Routes, { version }: Operations): void {
  let document: Record<string, unknown> | undefined;
  routes.add({ method: "get", path: "/v1/openapi.json", id: "openapi.get", summary: "This document", answer: Document }, () => document ??= describe(routes.app, version));
}

function describe(app: OpenAPIHono, version: string): Record<string, unknown> {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "weir", version, license: { name: "GPL-2.0-only" },
      description: "A Linux Virtual Server director. The unix socket's permissions decide who may ask; over the network a token does. Things are named as in weir.yaml.",
    },
    servers: [{ url: "http://localhost", description: "by the unix socket" }],
  }, { sortComponents: "alphabetically" } as never) as unknown as Record<string, unknown>;
}
