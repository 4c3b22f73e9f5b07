// One route: what it takes and gives, once, as schemas. From this come its types, the checks of what a request brings, and the OpenAPI
// document; what it does is beside it in routes/.

import type { Context } from "hono";
import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import type { ApiProblemCode } from "./problems.js";
import { API_PROBLEMS, ApiError, DIRECTOR_PROBLEMS } from "./problems.js";
import { Input, readBody } from "./input.js";
import { Problem } from "./schemas/problem.js";
import type { Token } from "./tokens.js";

type Code = ApiProblemCode | keyof typeof DIRECTOR_PROBLEMS;
type Nothing = Record<string, never>;
const None = z.strictObject({});

export interface Route<P extends z.ZodRawShape, Q extends z.ZodObject, B extends z.ZodObject, A extends z.ZodType> {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** "/v1/services/{kind}/{service}" */
  readonly path: string;
  /** What the typed client's method is called: "services.add". */
  readonly id: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** A body that the handler reads itself. */
  readonly document?: { readonly [mediaType: string]: z.ZodType };
  readonly headers?: z.ZodObject;
  readonly status?: 200 | 201 | 204;
  readonly answer?: A;
  /** Of an answer that is not JSON, or is in other forms too. */
  readonly media?: { readonly [mediaType: string]: z.ZodType };
  /** Beside those that any request may meet. */
  readonly problems?: readonly Code[];
  /** Whether it changes something: tokens that may only read cannot ask for it. By default all but GET does. */
  readonly changes?: boolean;
}

export interface Request<P extends z.ZodRawShape, Q extends z.ZodObject, B extends z.ZodObject> {
  readonly params: z.output<z.ZodObject<P>>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  /** For mistakes that are found later on. */
  readonly input: Input;
  readonly context: Context;
}

type Answer<A extends z.ZodType> = z.output<A> | Response | (A extends z.ZodUndefined ? void : never);

/** For tests: what an answer is held against. */
export interface ServedRoute {
  readonly method: string;
  readonly path: string;
  readonly answer: z.ZodType | undefined;
  readonly changes: boolean;
}

export class Routes {
  readonly served: ServedRoute[] = [];

  constructor(readonly app: OpenAPIHono) {}

  add<P extends z.ZodRawShape = Nothing, Q extends z.ZodObject = typeof None, B extends z.ZodObject = typeof None, A extends z.ZodType = z.ZodUndefined>(
    route: Route<P, Q, B, A>, handler: (request: Request<P, Q, B>) => Answer<A> | Promise<Answer<A>>,
  ): void {
    const { method, path, status = route.answer === undefined && route.media === undefined ? 204 : 200 } = route;
    this.app.openAPIRegistry.registerPath(describeRoute(route, status));
    this.served.push({ method, path, answer: route.answer, changes: changesSomething(route) });
    this.app.on([method.toUpperCase()], [path.replaceAll(/\{(\w+)\}/g, ":$1")], async (context) => {
      checkRole(context, route);
      const answer = await handler(await readRequest(route, context));
      if (answer instanceof Response) return answer;
      return answer === undefined ? context.body(null, 204) : context.json(answer as object, status as 200 | 201);
    });
  }
}

export const changesSomething = ({ method, changes }: Pick<Route<any, any, any, any>, "method" | "changes">): boolean => changes ?? method !== "get";

function checkRole(context: Context, route: Pick<Route<any, any, any, any>, "method" | "changes">): void {
  const token = context.get("token") as Token | undefined;
  if (token?.role === "read" && changesSomething(route)) throw new ApiError("FORBIDDEN", `Cannot ${context.req.method} ${context.req.path}: the token of ${token.name} may only read`);
}

/** In the order in which a client would want to hear of mistakes. */
async function readRequest<P extends z.ZodRawShape, Q extends z.ZodObject, B extends z.ZodObject>(
  route: Route<P, Q, B, any>, context: Context,
): Promise<Request<P, Q, B>> {
  const params = new Input("path").read(z.strictObject(route.params ?? {}), context.req.param());
  const query = new Input("query").read(route.query ?? None, queryOf(context));
  const { body, input } = route.body === undefined ? { body: {}, input: new Input("body") } : await readBody(context, route.body);
  return { params, query, body, input, context } as Request<P, Q, B>;
}

/** A key that stands twice is a list, which no schema takes. */
function queryOf(context: Context): unknown {
  return Object.fromEntries(Object.entries(context.req.queries()).map(([key, values]) => [key, values.length === 1 ? values[0] : values]));
}

function describeRoute(route: Route<any, any, any, any>, status: number): RouteConfig {
  const { method, path, id, summary, params, query, body, document, headers, answer, media } = route;
  const bodies = body === undefined ? document : { "application/json": body };
  const answers = { ...(answer === undefined ? {} : { "application/json": answer }), ...media };
  const problems = [...(route.problems ?? []), ...commonProblems(route)];
  return {
    method, path, operationId: id, summary, tags: [id.split(".")[0]!],
    request: {
      ...(params === undefined ? {} : { params: z.strictObject(params) }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { headers }),
      ...(bodies === undefined ? {} : { body: { required: true, content: Object.fromEntries(Object.entries(bodies).map(([type, schema]) => [type, { schema: schema as z.ZodType }])) } }),
    },
    responses: {
      [status]: Object.keys(answers).length === 0 ? { description: "Done" } : {
        description: "Done", content: Object.fromEntries(Object.entries(answers).map(([type, schema]) => [type, { schema: schema as z.ZodType }])),
      },
      ...Object.fromEntries(byStatus(problems).map(([code, titles]) => [code, { description: titles.join("; "), content: { "application/problem+json": { schema: Problem } } }])),
    },
  };
}

function commonProblems(route: Route<any, any, any, any>): readonly Code[] {
  const bodies: readonly Code[] = route.body === undefined && route.document === undefined ? [] : ["TOO_LARGE", "MEDIA_TYPE", ...(route.body === undefined ? [] : ["MALFORMED" as const])];
  const changing: readonly Code[] = changesSomething(route) ? ["FORBIDDEN", "BUSY", "PERMISSION"] : [];
  return [...bodies, ...changing, "WRONG_INPUT", "UNAUTHENTICATED", "FAILED"];
}

function byStatus(codes: readonly Code[]): readonly (readonly [number, readonly string[]])[] {
  const titles = new Map<number, Set<string>>();
  for (const code of codes) {
    const [status, title] = ({ ...DIRECTOR_PROBLEMS, ...API_PROBLEMS })[code];
    titles.set(status, (titles.get(status) ?? new Set()).add(`${code}: ${title}`));
  }
  return [...titles].sort(([a], [b]) => a - b).map(([status, set]) => [status, [...set]]);
}
