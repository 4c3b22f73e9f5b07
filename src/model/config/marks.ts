// The block `marks` of weir.yaml: rules that give packets firewall marks.

import type { AddressWords } from "../address.js";
import { addressFamily, addressWords, formatAddress } from "../address.js";
import { readPrefix } from "./address.js";
import type { ReadContext } from "./context.js";
import type { ConfigPath } from "./error.js";
import type { Address } from "../director.js";
import { readFields, show } from "./fields.js";
import { MarkFields } from "./schema.js";
import type { MarkRule, PortRange, Prefix } from "../marks.js";
import { MARK_RULES_MAX, ruleFamily } from "../marks.js";

const PORT_MAX = 65535;

export function readMarkRules(list: readonly unknown[], context: ReadContext): readonly MarkRule[] {
  if (list.length > MARK_RULES_MAX) context.issues.add(["marks"], `has ${list.length} rules; at most ${MARK_RULES_MAX} are gone through for a packet`);
  return list.flatMap((entry, i) => readMarkRule(entry, ["marks", i], context) ?? []);
}

function readMarkRule(entry: unknown, path: ConfigPath, context: ReadContext): MarkRule | undefined {
  const { mark, family, protocol, from, to, fromPorts, ports } = readFields(MarkFields, entry, path, context.issues);
  if (mark === undefined) context.issues.missing([...path, "mark"], "give the mark that the rule's packets get");
  const source = readNetwork(from, [...path, "from"], context);
  const destination = readNetwork(to, [...path, "to"], context);
  const named = ruleFamily(source, destination);
  if (source !== undefined && destination !== undefined && ruleFamily(source) !== ruleFamily(destination)) {
    context.issues.add([...path, "to"], `${show(to)} is of another address family than ${show(from)}; no packet has both`);
  }
  if (family !== undefined && named !== undefined && family !== named) context.issues.add([...path, "family"], `is ${family}, and the addresses are IPv${named}; leave it out`);
  if ((fromPorts !== undefined || ports !== undefined) && protocol === undefined) context.issues.missing([...path, "protocol"], "say whose ports are meant: tcp, udp or sctp");
  const sourcePorts = readPorts(fromPorts, [...path, "fromPorts"], context);
  const destinationPorts = readPorts(ports, [...path, "ports"], context);
  if (mark === undefined) return undefined;
  return { mark, family: named ?? family ?? 4, protocol, source, destination, sourcePorts, destinationPorts };
}

function readNetwork(text: string | undefined, path: ConfigPath, { issues }: ReadContext): Prefix | undefined {
  if (text === undefined) return undefined;
  const prefix = readPrefix(text);
  if (prefix === undefined) {
    issues.add(path, `${show(text)} is no address and no network; give one such as 10.0.0.100, 10.0.0.0/8 or fd00::/64`);
    return undefined;
  }
  return prefix.prefixLength === 0 ? undefined : { address: networkOf(prefix.address, prefix.prefixLength), length: prefix.prefixLength };
}

/** The address without the bits behind the prefix. */
function networkOf(address: Address, length: number): Address {
  const words = addressWords(address).map((word, i) => {
    const bits = Math.min(32, Math.max(0, length - 32 * i));
    return bits === 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
  });
  return formatAddress({ family: addressFamily(address), words: words as unknown as AddressWords });
}

function readPorts(value: number | string | undefined, path: ConfigPath, { issues }: ReadContext): PortRange | undefined {
  if (value === undefined) return undefined;
  const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(value)) ?? [];
  const range = { from: Number(first), to: Number(last) };
  if (first !== "" && range.from <= range.to && range.to <= PORT_MAX) return range;
  issues.add(path, `${show(value)} is no port and no range of ports; give one such as 80 or 80-90`);
  return undefined;
}
