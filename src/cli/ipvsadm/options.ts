// ipvsadm's options, and which of them go with which command.

import { fail } from "./exit.js";
import type { OptionSpec } from "./popt.js";

/** As messages name them. */
export type Command =
  | "add-service" | "edit-service" | "delete-service" | "flush" | "add-server" | "edit-server" | "delete-server"
  | "list" | "zero" | "set" | "start-daemon" | "stop-daemon" | "restore" | "save";

/** As messages name them, in the order in which they are checked. Several options may go by one name. */
const OPTION_NAMES = [
  "numeric", "connection", "service-address", "scheduler", "persistent", "netmask", "real-server", "forwarding-method", "weight",
  "u-threshold", "l-threshold", "mcast-interface", "timeout", "daemon", "stats", "rate", "thresholds", "persistent-conn", "nosort",
  "syncid", "exact", "ops", "pe", "sched-flags", "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen", "tun-info", "tun-type",
  "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum",
] as const;
export type OptionName = (typeof OPTION_NAMES)[number];

export interface CommandOption extends OptionSpec {
  /** The command that it is, where it is one. */
  readonly command?: Command | "help" | "version";
  /** The name that it is checked by; absent: it may stand anywhere, any number of times. */
  readonly name?: OptionName;
}

const command = (name: Command | "help" | "version", long: string, short?: string, value?: "required"): CommandOption =>
  ({ long, command: name, ...(short && { short }), ...(value && { value }) });
const flag = (long: OptionName, short?: string): CommandOption => ({ long, name: long, ...(short && { short }) });
const valued = (long: OptionName, short?: string): CommandOption => ({ long, name: long, value: "required", ...(short && { short }) });

export const OPTIONS: readonly CommandOption[] = [
  command("add-service", "add-service", "A"), command("edit-service", "edit-service", "E"), command("delete-service", "delete-service", "D"),
  command("flush", "clear", "C"), command("list", "list", "L"), command("list", "list", "l"), command("zero", "zero", "Z"),
  command("add-server", "add-server", "a"), command("edit-server", "edit-server", "e"), command("delete-server", "delete-server", "d"),
  command("set", "set"), command("help", "help", "h"), command("version", "version", "v"),
  command("restore", "restore", "R"), command("save", "save", "S"),
  command("start-daemon", "start-daemon", undefined, "required"), command("stop-daemon", "stop-daemon", undefined, "required"),
  { long: "tcp-service", short: "t", value: "required", name: "service-address" },
  { long: "udp-service", short: "u", value: "required", name: "service-address" },
  { long: "sctp-service", value: "required", name: "service-address" },
  { long: "fwmark-service", short: "f", value: "required", name: "service-address" },
  { long: "ipv6", short: "6" },
  valued("scheduler", "s"),
  { long: "persistent", short: "p", value: "optional", name: "persistent" },
  valued("netmask", "M"), flag("ops", "o"), valued("pe"), valued("sched-flags", "b"), valued("real-server", "r"),
  { long: "masquerading", short: "m", name: "forwarding-method" },
  { long: "ipip", short: "i", name: "forwarding-method" },
  { long: "gatewaying", short: "g", name: "forwarding-method" },
  valued("tun-type"), valued("tun-port"), flag("tun-nocsum"), flag("tun-csum"), flag("tun-remcsum"),
  valued("weight", "w"), valued("u-threshold", "x"), valued("l-threshold", "y"),
  flag("numeric", "n"), flag("connection", "c"), flag("timeout"), flag("daemon"), flag("stats"), flag("rate"), flag("thresholds"),
  flag("persistent-conn"), flag("tun-info"), flag("nosort"), flag("exact", "X"),
  { long: "sort" },
  valued("mcast-interface"), valued("syncid"), valued("sync-maxlen"), valued("mcast-group"), valued("mcast-port"), valued("mcast-ttl"),
];

interface Rule {
  readonly required?: readonly OptionName[];
  readonly allowed?: readonly OptionName[];
  /** Allowed, but only one of them. */
  readonly exclusive?: readonly OptionName[];
}

const SERVICE: Rule = { required: ["service-address"], allowed: ["scheduler", "persistent", "netmask", "ops", "pe", "sched-flags"] };
const SERVER: Rule = {
  required: ["service-address", "real-server"],
  allowed: ["forwarding-method", "weight", "u-threshold", "l-threshold", "tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum"],
};

export const COMMAND_RULES: Readonly<Record<Command, Rule>> = {
  "add-service": SERVICE, "edit-service": SERVICE, "delete-service": { required: ["service-address"] },
  "add-server": SERVER, "edit-server": SERVER, "delete-server": { required: ["service-address", "real-server"] },
  list: {
    exclusive: ["connection", "service-address", "timeout", "daemon"],
    allowed: ["numeric", "stats", "rate", "thresholds", "persistent-conn", "nosort", "syncid", "exact", "tun-info"],
  },
  zero: { allowed: ["service-address"] },
  save: { allowed: ["numeric"] },
  "start-daemon": { allowed: ["mcast-interface", "syncid", "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen"] },
  "stop-daemon": { allowed: ["syncid"] },
  flush: {}, set: {}, restore: {},
};

const TUNNEL_OPTIONS = ["tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum"] as const satisfies readonly OptionName[];

const TUNNEL_RULES: Readonly<Record<"ipip" | "gue" | "gre", Rule>> = {
  ipip: { allowed: ["tun-type"] },
  gue: { allowed: ["tun-type"], required: ["tun-port"], exclusive: ["tun-nocsum", "tun-csum", "tun-remcsum"] },
  gre: { allowed: ["tun-type"], exclusive: ["tun-nocsum", "tun-csum"] },
};

export function checkCommandOptions(name: Command, given: ReadonlySet<OptionName>): void {
  check(COMMAND_RULES[name], OPTION_NAMES, given, `'${name}' command`);
}

export function checkTunnelOptions(type: "ipip" | "gue" | "gre", given: ReadonlySet<OptionName>): void {
  check(TUNNEL_RULES[type], TUNNEL_OPTIONS, given, `'${type}' tunnel type`);
}

export function hasTunnelOptions(given: ReadonlySet<OptionName>): boolean {
  return TUNNEL_OPTIONS.some((name) => given.has(name));
}

function check(rule: Rule, names: readonly OptionName[], given: ReadonlySet<OptionName>, where: string): void {
  let exclusive: OptionName | undefined;
  for (const name of names) {
    if (!given.has(name)) {
      if (rule.required?.includes(name)) fail(`You need to supply the '${name}' option for the ${where}`);
    } else if (rule.exclusive?.includes(name)) {
      if (exclusive !== undefined) fail(`The option '${name}' conflicts with the '${exclusive}' option in the ${where}`);
      exclusive = name;
    } else if (!rule.required?.includes(name) && !rule.allowed?.includes(name)) {
      fail(`Illegal '${name}' option with the ${where}`);
    }
  }
}
