// The script for fish: one function that says whether the words so far lead to a context, and a line for each thing offered there.

import type { Context, Entry, Grammar, Value } from "./grammar.js";
import { valuedEntries } from "./grammar.js";
import { isRepeated, SERVERS_AWK, SERVICES_AWK } from "./posix.js";

export function fishCompletion(grammar: Grammar): string {
  const { program } = grammar;
  return [
    `# Completion of ${program} for fish: weir completion fish ${program}`,
    "",
    ...takesFunction(grammar),
    "",
    ...atFunction(grammar),
    "",
    ...(program === "ipvsadm" ? [...serversFunction(), ""] : []),
    `complete -c ${program} -f`,
    ...grammar.contexts.flatMap((context) => contextLines(program, context)),
    "",
  ].join("\n");
}

/** In single quotes, in which a backslash still stands before a quote and a backslash. */
const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function takesFunction(grammar: Grammar): readonly string[] {
  const options = valuedEntries(grammar).flatMap(({ path, entry }) => entry.names.map((name) => quoted(`${path}:${name}`)));
  return [`function __${grammar.program}_takes`, "  switch $argv[1]", `    case ${options.join(" ")}`, "      return 0", "  end", "  return 1", "end"];
}

/** "CONTEXT [POSITION]" */
function atFunction({ program, contexts }: Grammar): readonly string[] {
  const leading = contexts.flatMap(({ path, commands, options }) => [...commands, ...options].flatMap(({ names, leadsTo }) => {
    if (leadsTo === undefined) return [];
    const words = names.map((name) => quoted(`${path}:${name}${/^-\w$/.test(name) ? "*" : ""}`));
    return [`      case ${words.join(" ")}`, `        set context ${quoted(leadsTo)}`];
  }));
  return [
    `function __${program}_at`,
    "  set -l context ''",
    "  set -l position 0",
    "  set -l skip 0",
    "  for word in (commandline -opc)[2..-1]",
    "    if test $skip = 1",
    "      set skip 0",
    "      continue",
    "    end",
    `    __${program}_takes "$context:$word"; and set skip 1`,
    `    switch "$context:$word"`,
    ...leading,
    "      case '*:-*'",
    "      case '*'",
    "        set position (math $position + 1)",
    "    end",
    "  end",
    `  test "$context" = "$argv[1]"; or return 1`,
    `  test (count $argv) -lt 2; or test $position $argv[2] $argv[3]`,
    "end",
  ];
}

function contextLines(program: string, context: Context): readonly string[] {
  const condition = (more = ""): string => `-n ${quoted(`__${program}_at ${quoted(context.path)}${more}`)}`;
  return [
    ...context.commands.flatMap(({ names, description }) => names.map((name) => `complete -c ${program} ${condition(" -eq 0")} -a ${name} -d ${quoted(description)}`)),
    ...context.options.map((entry) => `complete -c ${program} ${condition()} ${optionNames(entry)}${optionValue(entry)} -d ${quoted(entry.description)}`),
    ...context.arguments.flatMap((value, i) => {
      const offered = offer(value);
      return offered === undefined ? [] : [`complete -c ${program} ${condition(` ${isRepeated(context, i) ? "-ge" : "-eq"} ${i}`)} ${offered}`];
    }),
  ];
}

const optionNames = ({ names }: Entry): string => names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(" ");

function optionValue({ value }: Entry): string {
  if (value === undefined) return "";
  const offered = offer(value);
  return offered === undefined ? " -x" : value.kind === "file" ? " -r -F" : ` -x ${offered}`;
}

/** Undefined: nothing to offer. */
function offer(value: Value): string | undefined {
  switch (value.kind) {
    case "words": return `-a ${quoted(value.words.join(" "))}`;
    case "file": return "-F";
    case "folder": return "-a '(__fish_complete_directories (commandline -ct))'";
    case "interface": return "-a '(command ls /sys/class/net)'";
    case "service": return `-a ${quoted(`(ipvsadm --save --numeric 2>/dev/null | awk -v option=${value.option} ${quoted(SERVICES_AWK)})`)}`;
    case "server": return "-a '(__ipvsadm_servers)'";
    case "text": return undefined;
  }
}

/** Of the service that the words before name. */
function serversFunction(): readonly string[] {
  return [
    "function __ipvsadm_servers",
    "  set -l option ''",
    "  set -l service ''",
    "  for word in (commandline -opc)",
    "    if test \"$service\" = next",
    "      set service $word",
    "    end",
    "    switch $word",
    "      case -t --tcp-service",
    "        set option -t",
    "        set service next",
    "      case -u --udp-service",
    "        set option -u",
    "        set service next",
    "      case -f --fwmark-service",
    "        set option -f",
    "        set service next",
    "      case --sctp-service",
    "        set option --sctp-service",
    "        set service next",
    "    end",
    "  end",
    `  ipvsadm --save --numeric 2>/dev/null | awk -v option="$option" -v service="$service" ${quoted(SERVERS_AWK)}`,
    "end",
  ];
}
