// The API without its sockets: a request in, an answer out. What may be asked is in routes/, one file a noun.

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Operations } from "./operations.js";
import { ApiError, problemOf } from "./problems.js";
import type { ServedRoute } from "./route.js";
import { Routes } from "./route.js";
import { addConfigurationRoutes } from "./routes/configuration.js";
import { addConnectionRoutes } from "./routes/connections.js";
import { addDestinationRoutes } from "./routes/destinations.js";
import { addEventRoutes } from "./routes/events.js";
import { addHealthRoutes } from "./routes/health.js";
import { addMarkRoutes } from "./routes/marks.js";
import { addOpenApiRoutes } from "./routes/openapi.js";
import { addProcRoutes } from "./routes/proc.js";
import { addServiceRoutes } from "./routes/services.js";
import { addStatusRoutes } from "./routes/status.js";
import { addSyncDaemonRoutes } from "./routes/sync-daemons.js";
import { addSysctlRoutes } from "./routes/sysctls.js";
import { addTimeoutRoutes } from "./routes/timeouts.js";
import { addTotalRoutes } from "./routes/totals.js";
import type { Token } from "./tokens.js";

export interface ApiOptions {
  readonly operations: Operations;
  /** Whose token it is; left out where the socket's permissions decide. */
  authenticate?(authorization: string | undefined): Token | undefined;
  /** Told of what should not have happened. */
  onFailure?(error: Error): void;
  readonly heartbeatMilliseconds?: number;
}

export interface Api {
  fetch(request: globalThis.Request, ...rest: unknown[]): Response | Promise<Response>;
  readonly routes: readonly ServedRoute[];
}

export function createApi(options: ApiOptions): Api {
  const { app, routes } = build(options);
  return { fetch: app.fetch, routes: routes.served };
}

function build({ operations, authenticate, onFailure, heartbeatMilliseconds }: ApiOptions): { readonly app: OpenAPIHono; readonly routes: Routes } {
  const app = new OpenAPIHono();
  const routes = new Routes(app);
  if (authenticate !== undefined) {
    app.use("*", async (context, next) => {
      const token = authenticate(context.req.header("authorization"));
      if (token === undefined) throw new ApiError("UNAUTHENTICATED", "Cannot tell who asks: send a token that the director knows, as Authorization: Bearer TOKEN");
      context.set("token" as never, token as never);
      await next();
    });
  }
  addServiceRoutes(routes, operations);
  addDestinationRoutes(routes, operations);
  addConnectionRoutes(routes, operations);
  addTotalRoutes(routes, operations);
  addTimeoutRoutes(routes, operations);
  addSysctlRoutes(routes, operations);
  addMarkRoutes(routes, operations);
  addSyncDaemonRoutes(routes, operations);
  addConfigurationRoutes(routes, operations);
  addStatusRoutes(routes, operations);
  addHealthRoutes(routes, operations);
  addProcRoutes(routes, operations);
  addEventRoutes(routes, operations, heartbeatMilliseconds);
  addOpenApiRoutes(routes, operations);
  app.notFound((context) => answerNothing(context, routes.served));
  app.onError((error, context) => answerProblem(context, error, onFailure));
  return { app, routes };
}

function answerNothing(context: Context, served: readonly ServedRoute[]): Response {
  const methods = served.filter(({ path }) => patternOf(path).test(context.req.path)).map(({ method }) => method.toUpperCase());
  if (methods.length === 0) return answerProblem(context, new ApiError("NO_SUCH_RESOURCE", `There is nothing at ${context.req.path}; GET /v1/openapi.json tells what there is`));
  context.header("allow", methods.join(", "));
  return answerProblem(context, new ApiError("METHOD_NOT_ALLOWED", `Cannot ${context.req.method} ${context.req.path}: it takes ${methods.join(", ")}`));
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);

function answerProblem(context: Context, error: Error, onFailure?: (error: Error) => void): Response {
  const problem = problemOf(error);
  if (problem.code === "FAILED") onFailure?.(error);
  if (problem.status === 401) context.header("www-authenticate", "Bearer");
  if (problem.status === 503) context.header("retry-after", "1");
  return context.body(JSON.stringify(problem), problem.status as 400, { "content-type": "application/problem+json" });
}
