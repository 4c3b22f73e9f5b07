// lvs_method, lb_kind, sorry_server_lvs_method: how packets get to a server. keepalived 2.2.7: "NAT", "DR", or
// "TUN [type {ipip|gue port NUM|gre} [nocsum|csum|remcsum]]".

import { remedy, show } from "#model/config/fields.js";
import type { WrittenForwarding, WrittenTunnel } from "../document.js";
import { defined } from "../document.js";
import type { Reading } from "./read.js";
import type { Directive } from "./tree.js";

const METHODS = { NAT: "nat", DR: "dr", TUN: "tun" } as const;
const TYPES = ["ipip", "gue", "gre"] as const;
const CHECKSUMS = { nocsum: "none", csum: "checksum", remcsum: "remote" } as const;
/** What may follow the method: type gue port 6080 csum. */
export const METHOD_WORDS = 6;

export function readForwarding(directive: Directive, reading: Reading): WrittenForwarding | undefined {
  const name = reading.oneOf(directive, Object.keys(METHODS) as (keyof typeof METHODS)[]);
  if (name === undefined) return undefined;
  const method = METHODS[name];
  const options = directive.values.slice(1);
  if (options.length === 0) return { method };
  if (method !== "tun") return reading.wrong(directive, options.join(" "), `for ${name}; only TUN has a type`);
  const tunnel = readTunnel(directive, options, reading);
  return tunnel && { method, tunnel };
}

function readTunnel(directive: Directive, options: readonly string[], reading: Reading): WrittenTunnel | undefined {
  const [word, type, ...rest] = options;
  if (word !== "type" || !TYPES.includes(type as WrittenTunnel["type"])) {
    const found = word === "type" ? type : word;
    reading.report.mistake(directive, `${directive.keyword}: ${show(found)} is not known; ${word === "type" ? remedy(found ?? "", TYPES) : "write TUN type ipip, gue port NUM or gre"}`);
    return undefined;
  }
  const port = rest[0] === "port" ? rest.splice(0, 2)[1] : undefined;
  const [checksum, ...beyond] = rest;
  if (type === "gue" && (port === undefined || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535)) {
    return reading.wrong(directive, options.join(" "), "a tunnel: gue needs a port; write type gue port 6080");
  }
  if (type !== "gue" && port !== undefined) return reading.wrong(directive, options.join(" "), `a tunnel: only gue has a port; take it away`);
  const isKnown = checksum === undefined || (Object.hasOwn(CHECKSUMS, checksum) && beyond.length === 0);
  const isPossible = type === "gue" || checksum === undefined || checksum === "nocsum" || (type === "gre" && checksum === "csum");
  if (!isKnown || !isPossible) {
    return reading.wrong(directive, rest.join(" "), `for a tunnel of type ${type}; it can have ${{ ipip: "nocsum", gre: "nocsum or csum", gue: "nocsum, csum or remcsum" }[type as "ipip"]}`);
  }
  return defined({ type: type as WrittenTunnel["type"], port: port === undefined ? undefined : Number(port), checksum: checksum && checksum !== "nocsum" ? CHECKSUMS[checksum as "csum"] : undefined });
}
