// The script for zsh: a function that is found by its name, _weir, in one of the folders of fpath.

import type { Entry, Grammar } from "./grammar.js";
import { argumentCases, commandsAreOptions, contextCases, quoted, SERVERS_AWK, SERVICE_PATTERNS, SERVICES_AWK, takesFunction } from "./posix.js";

export function zshCompletion(grammar: Grammar): string {
  const { program, contexts } = grammar;
  return [
    `#compdef ${program}`,
    `# Completion of ${program} for zsh: weir completion zsh ${program}`,
    "",
    ...takesFunction(grammar),
    "",
    ...offerFunction(program),
    "",
    `_${program}() {`,
    "  local index position=0 context= previous= kind= choices=",
    "  for (( index = 2; index < CURRENT; index++ )); do",
    "    previous=$context",
    `    case "$context:\${words[index]}" in`,
    ...contextCases(grammar).map((line) => `      ${line}`),
    "      *:-*) ;;",
    "      *) (( position++ )) ;;",
    "    esac",
    `    if _${program}_takes "$previous:\${words[index]}" || _${program}_takes "$context:\${words[index]}"; then`,
    `      (( index + 1 == CURRENT )) && { _${program}_offer; return }`,
    "      (( ++index ))",
    "    fi",
    "  done",
    `  if [[ \${words[CURRENT]} == --*=* ]]; then`,
    `    _${program}_takes "$context:\${words[CURRENT]%%=*}" && compset -P '*=' && _${program}_offer`,
    "    return",
    "  fi",
    `  if ${commandsAreOptions(grammar) ? "true" : "[[ ${words[CURRENT]} == -* ]]"}; then`,
    `    case "$context" in`,
    ...contexts.map(({ path, options }) => `      ${quoted(path)}) ${describe(options)} ;;`),
    "    esac",
    "  else",
    `    case "$context:$position" in`,
    ...contexts.filter(({ commands }) => commands.length > 0).map(({ path, commands }) => `      ${quoted(`${path}:0`)}) ${describe(commands)} ;;`),
    ...argumentCases(grammar).map((line) => `      ${line.replace(/ ;;$/, `; _${program}_offer ;;`)}`),
    "    esac",
    "  fi",
    "}",
    "",
    `_${program} "$@"`,
    "",
  ].join("\n");
}

/** Names with their descriptions, as _describe takes them: "name:description". */
function describe(entries: readonly Entry[]): string {
  if (entries.length === 0) return ":";
  const each = entries.flatMap(({ names, description }) => names.map((name) => quoted(`${name.replaceAll(":", "\\:")}:${description.replaceAll(":", "\\:")}`)));
  return `local -a offered=(${each.join(" ")}); _describe ${entries.every(({ names }) => names[0]!.startsWith("-")) ? "-o option" : "command"} offered`;
}

/** Adds matches by `kind`, `choices` and `words`. */
function offerFunction(program: string): readonly string[] {
  return [
    `_${program}_offer() {`,
    "  local option= service= index",
    "  case $kind in",
    `    words) compadd -- \${=choices} ;;`,
    "    file) _files ;;",
    "    folder) _files -/ ;;",
    "    interface) compadd -- /sys/class/net/*(N:t) ;;",
    ...(program === "ipvsadm" ? ipvsadmKinds() : []),
    "  esac",
    "}",
  ];
}

function ipvsadmKinds(): readonly string[] {
  return [
    `    service) compadd -- \${(f)"$(\${words[1]} --save --numeric 2>/dev/null | awk -v option="$choices" ${quoted(SERVICES_AWK)})"} ;;`,
    "    server)",
    "      for (( index = 2; index < CURRENT - 1; index++ )); do",
    `        case "\${words[index]}" in`,
    ...SERVICE_PATTERNS.map(([pattern, option]) => `          ${pattern}) option=${option} service=\${words[index + 1]} ;;`),
    "        esac",
    "      done",
    `      compadd -- \${(f)"$(\${words[1]} --save --numeric 2>/dev/null | awk -v option="$option" -v service="$service" ${quoted(SERVERS_AWK)})"} ;;`,
  ];
}
