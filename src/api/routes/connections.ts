// Connections: ipvsadm -Lc. There may be millions: page by page, or as a stream of lines (application/x-ndjson).

import type { Connection as ModelConnection } from "#model/director.js";
import { connectionFilter } from "../decode.js";
import { encodeConnection } from "../encode.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Connection, ConnectionPage, ConnectionQuery } from "../schemas/connection.js";
import { linesOf } from "../stream.js";

const PAGE = 1000;
const LINES = "application/x-ndjson";

export function addConnectionRoutes(routes: Routes, operations: Operations): void {
  routes.add({
    method: "get", path: "/v1/connections", id: "connections.page", summary: "Connections, by page; with Accept: application/x-ndjson all of them, a line each",
    query: ConnectionQuery, answer: ConnectionPage, media: { [LINES]: Connection },
  }, ({ query, context }) => {
    const { limit = PAGE, after = 0, ...filters } = query;
    const isAsked = connectionFilter(filters);
    if (context.req.header("accept")?.includes(LINES)) return linesOf(lines(operations.connections(), isAsked), LINES);
    return pageOf(operations.connections(), isAsked, after, limit);
  });
}

function* lines(connections: Iterable<ModelConnection>, isAsked: (connection: ModelConnection) => boolean): Generator<string> {
  for (const connection of connections) if (isAsked(connection)) yield `${JSON.stringify(encodeConnection(connection))}\n`;
}

/** `after`: as many of the director's are passed over, whether they are asked for or not. */
function pageOf(connections: Iterable<ModelConnection>, isAsked: (connection: ModelConnection) => boolean, after: number, limit: number): ConnectionPage {
  const page: Connection[] = [];
  let place = 0;
  for (const connection of connections) {
    if (place++ < after || !isAsked(connection)) continue;
    if (page.length === limit) return { connections: page, next: place - 1 };
    page.push(encodeConnection(connection));
  }
  return { connections: page, next: null };
}
