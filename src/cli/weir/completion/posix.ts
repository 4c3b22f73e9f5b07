// What the scripts for bash and zsh have in common: which context a word leads to, what stands behind an option, where
// the values of ipvsadm come from.

import type { Context, Entry, Grammar, Value } from "./grammar.js";
import { valuedEntries } from "./grammar.js";

/** In single quotes. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Sets `kind` and `choices` to what stands behind an option: "CONTEXT:OPTION". Fails where nothing does. */
export function takesFunction(grammar: Grammar): readonly string[] {
  const cases = valuedEntries(grammar).map(({ path, entry, value }) => `    ${patterns(path, entry)}) ${kindOf(value)} ;;`);
  return [
    `_${grammar.program}_takes() {`,
    "  kind=text choices=",
    `  case "$1" in`,
    ...cases,
    "    *) return 1 ;;",
    "  esac",
    "}",
  ];
}

/** Short options may stand together: "-at" ends in one with a value. */
function patterns(path: string, { names }: Entry): string {
  return names.flatMap((name) => {
    const exact = quoted(`${path}:${name}`);
    return /^-\w$/.test(name) ? [exact, `${quoted(`${path}:`)}-[^-]*${name.slice(1)}`] : [exact];
  }).join("|");
}

export function kindOf(value: Value): string {
  if (value.kind === "words") return `kind=words choices=${quoted(value.words.join(" "))}`;
  return value.kind === "service" ? `kind=service choices=${value.option}` : `kind=${value.kind}`;
}

/** The cases of `case "$context:$word"` that lead to another context. A short command may have more behind it: "-Ln". */
export function contextCases({ contexts }: Grammar): readonly string[] {
  return contexts.flatMap(({ path, commands, options }) => [...commands, ...options].flatMap(({ names, leadsTo }) => {
    if (leadsTo === undefined) return [];
    const words = names.map((name) => (/^-\w$/.test(name) ? `${quoted(`${path}:${name}`)}*` : quoted(`${path}:${name}`)));
    return [`${words.join("|")}) context=${quoted(leadsTo)} ;;`];
  }));
}

/** The cases of `case "$context:$position"` that say what an argument may be. */
export function argumentCases({ contexts }: Grammar): readonly string[] {
  return contexts.flatMap((context) => context.arguments.map((value, i) => `${quoted(`${context.path}:`)}${isRepeated(context, i) ? "*" : i}) ${kindOf(value)} ;;`));
}

/** Then options are offered where nothing is typed yet, too. */
export const commandsAreOptions = ({ contexts }: Grammar): boolean => contexts.every(({ commands }) => commands.length === 0);

export function isRepeated({ arguments: values, isVariadic }: Context, i: number): boolean {
  return isVariadic && i === values.length - 1;
}

/** Awk's programs on what `ipvsadm --save` prints: "-A -t 10.0.0.100:80 -s wrr", "-a -t 10.0.0.100:80 -r 192.168.1.11:8080 -m -w 1". */
export const SERVICES_AWK = `$1 == "-A" && $2 == option { print $3 }`;
export const SERVERS_AWK = `$1 == "-a" && $2 == option && $3 == service && $4 == "-r" { print $5 }`;
/** The service's option as --save writes it, by the pattern of those that say the same. */
export const SERVICE_PATTERNS: readonly (readonly [string, string])[] = [
  ["-t|--tcp-service|-[^-]*t", "-t"], ["-u|--udp-service|-[^-]*u", "-u"], ["-f|--fwmark-service|-[^-]*f", "-f"], ["--sctp-service", "--sctp-service"],
];
