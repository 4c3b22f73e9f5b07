// What -Lc prints: one line a connection, in the order in which the director keeps them.

import type { Connection } from "#model/director.js";
import type { EndpointFormat } from "./endpoint.js";

/** `withData`: two columns more, filled for connections that a persistence engine made. */
export function connectionHeading(withData: boolean): string {
  const columns = `pro expire ${"state".padEnd(11)} ${"source".padEnd(18)} ${"virtual".padEnd(18)}`;
  return `IPVS connection entries\n${columns} ${withData ? `${"destination".padEnd(18)} ${"pe name".padEnd(16)} pe_data` : "destination"}\n`;
}

export function formatConnection(connection: Connection, withData: boolean, endpoint: EndpointFormat): string {
  const { protocol, state, expiresSeconds, persistenceData } = connection;
  const text = (end: Connection["client"]) => endpoint(end, protocol === "ip" ? undefined : protocol);
  const columns = [
    protocol.toUpperCase().padEnd(3), formatMinutes(expiresSeconds).padEnd(6), state.padEnd(11),
    text(connection.client).padEnd(18), text(connection.virtual).padEnd(18),
  ];
  const destination = text(connection.destination);
  if (!withData || persistenceData === undefined) return `${[...columns, destination].join(" ")}\n`;
  // The heading of these two columns has their widths the other way round.
  return `${[...columns, destination.padEnd(16), persistenceData.engine.padEnd(18), persistenceData.text].join(" ")}\n`;
}

function formatMinutes(seconds: number): string {
  const two = (number: number) => `${number}`.padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}
