// What may stand where on a command line, as all shells' completion takes it: words lead from context to context
// ("" ─up─▶ "up", "" ─realserver─▶ "realserver" ─up─▶ "realserver up"), and each context has its own options and arguments.

import type { Argument, Command, Option } from "commander";
import { SCHEDULERS, SCHEDULER_FLAGS } from "#model/config/schema.js";
import { SYSCTL_NAMES } from "#model/sysctls.js";
import type { ListedOption } from "../../ipvsadm/meanings.js";
import { listedOptions, optionsOf } from "../../ipvsadm/meanings.js";
import { visibleCommands, visibleOptions } from "../manual/weir-page.js";

export type Value =
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Services that stand, of those that `ipvsadm --save` prints with this option. */
  | { readonly kind: "service"; readonly option: string }
  /** Servers of the service that is named before. `text`: what only the operator knows. */
  | { readonly kind: "file" | "folder" | "interface" | "server" | "text" };

export interface Entry {
  /** "up", or "-t" and "--tcp-service". */
  readonly names: readonly string[];
  readonly description: string;
  /** What stands behind it; undefined: nothing. */
  readonly value?: Value;
  /** The context behind it; undefined: the same. */
  readonly leadsTo?: string;
}

export interface Context {
  readonly path: string;
  readonly commands: readonly Entry[];
  readonly options: readonly Entry[];
  /** By position. */
  readonly arguments: readonly Value[];
  /** The last argument may be repeated. */
  readonly isVariadic: boolean;
}

export interface Grammar {
  readonly program: string;
  readonly contexts: readonly Context[];
}

const WORDS_BY_NAME: Readonly<Record<string, Value>> = {
  file: { kind: "file" }, directory: { kind: "folder" }, folder: { kind: "folder" }, interface: { kind: "interface" },
  "name[=value]": { kind: "words", words: SYSCTL_NAMES },
};
const TEXT: Value = { kind: "text" };

export function weirGrammar(program: Command): Grammar {
  return { program: "weir", contexts: weirContexts(program, "") };
}

function weirContexts(command: Command, path: string): readonly Context[] {
  const inner = visibleCommands(command).map((one) => ({ command: one, path: path === "" ? one.name() : `${path} ${one.name()}` }));
  const parameters = command.registeredArguments;
  const context: Context = {
    path,
    commands: inner.map((one) => ({ names: [one.command.name()], description: one.command.description(), leadsTo: one.path })),
    options: visibleOptions(command).map(optionEntry),
    arguments: parameters.map(argumentValue),
    isVariadic: parameters.at(-1)?.variadic ?? false,
  };
  return [context, ...inner.flatMap((one) => weirContexts(one.command, one.path))];
}

function optionEntry({ short, long, description, required, optional, argChoices, flags }: Option): Entry {
  const names = [short, long].filter((name) => name !== undefined);
  if (!required && !optional) return { names, description };
  return { names, description, value: namedValue(/[<[]([\w-]+)/.exec(flags)?.[1] ?? "", argChoices) };
}

const argumentValue = (argument: Argument): Value => namedValue(argument.name(), argument.argChoices);

function namedValue(name: string, choices: readonly string[] | undefined): Value {
  return choices === undefined ? WORDS_BY_NAME[name.toLowerCase()] ?? TEXT : { kind: "words", words: choices };
}

/** Its commands are options. */
export function ipvsadmGrammar(): Grammar {
  const commands = listedOptions().filter(({ spec }) => spec.command !== undefined);
  const first: Context = { path: "", commands: [], arguments: [], isVariadic: false, options: commands.map((option) => ({ ...ipvsadmEntry(option, ""), leadsTo: option.spec.command! })) };
  const others = commands.map(({ spec: { command } }): Context => ({
    path: command!, commands: [], arguments: [], isVariadic: false,
    options: command === "help" || command === "version" ? [] : optionsOf(command!).map((option) => ipvsadmEntry(option, command!)),
  }));
  return { program: "ipvsadm", contexts: [first, ...others] };
}

function ipvsadmEntry({ long, shorts, spec, meaning }: ListedOption, command: string): Entry {
  const entry = { names: [...shorts.map((short) => `-${short}`), `--${long}`], description: meaning.replaceAll("`", "") };
  return spec.value === "required" ? { ...entry, value: ipvsadmValue(long, command) } : entry;
}

function ipvsadmValue(long: string, command: string): Value {
  const isNew = command === "add-service" || (command === "add-server" && long === "real-server");
  return (isNew ? undefined : STANDING[long]) ?? FIXED[long] ?? TEXT;
}

/** As `ipvsadm --save` writes them. */
const STANDING: Readonly<Record<string, Value>> = {
  "tcp-service": { kind: "service", option: "-t" }, "udp-service": { kind: "service", option: "-u" },
  "sctp-service": { kind: "service", option: "--sctp-service" }, "fwmark-service": { kind: "service", option: "-f" },
  "real-server": { kind: "server" },
};

const FIXED: Readonly<Record<string, Value>> = {
  scheduler: { kind: "words", words: SCHEDULERS }, "sched-flags": { kind: "words", words: Object.keys(SCHEDULER_FLAGS) },
  pe: { kind: "words", words: ["sip"] }, "tun-type": { kind: "words", words: ["ipip", "gue", "gre"] },
  "start-daemon": { kind: "words", words: ["master", "backup"] }, "stop-daemon": { kind: "words", words: ["master", "backup"] },
  "mcast-interface": { kind: "interface" },
};

/** Those of the grammar that have a value, once for each context. */
export function valuedEntries({ contexts }: Grammar): readonly { readonly path: string; readonly entry: Entry; readonly value: Value }[] {
  return contexts.flatMap(({ path, options }) => options.flatMap((entry) => (entry.value === undefined ? [] : [{ path, entry, value: entry.value }])));
}
