// The script for bash. It needs nothing but bash.

import type { Grammar } from "./grammar.js";
import { argumentCases, commandsAreOptions, contextCases, quoted, SERVERS_AWK, SERVICE_PATTERNS, SERVICES_AWK, takesFunction } from "./posix.js";

export function bashCompletion(grammar: Grammar): string {
  const { program, contexts } = grammar;
  const names = (list: readonly { readonly names: readonly string[] }[]): string => list.flatMap((entry) => entry.names).join(" ");
  return [
    `# Completion of ${program} for bash: weir completion bash ${program}`,
    "",
    ...takesFunction(grammar),
    "",
    ...offerFunction(program),
    "",
    `_${program}() {`,
    "  local index last position=0 context= previous kind= choices= current option",
    "  local -a words=()",
    "  COMPREPLY=()",
    `  # Bash takes "10.0.0.100:80" and "--method=nat" apart; they are put together again.`,
    "  for ((index = 0; index <= COMP_CWORD; index++)); do",
    `    if ((index > 1)) && [[ \${COMP_WORDS[index]} =~ ^[:=]+$ || ( \${COMP_WORDS[index - 1]} =~ ^[:=]+$ && -n \${COMP_WORDS[index]} ) ]]; then`,
    `      words[\${#words[@]} - 1]+=\${COMP_WORDS[index]}`,
    "    else",
    `      words+=("\${COMP_WORDS[index]}")`,
    "    fi",
    "  done",
    `  last=$((\${#words[@]} - 1)) current=\${words[last]}`,
    "  for ((index = 1; index < last; index++)); do",
    "    previous=$context",
    `    case "$context:\${words[index]}" in`,
    ...contextCases(grammar).map((line) => `      ${line}`),
    "      *:-*) ;;",
    "      *) ((position++)) ;;",
    "    esac",
    `    if _${program}_takes "$previous:\${words[index]}" || _${program}_takes "$context:\${words[index]}"; then`,
    `      ((index + 1 == last)) && { _${program}_offer; return; }`,
    "      ((++index))",
    "    fi",
    "  done",
    "  if [[ $current == --*=* ]]; then",
    `    option=\${current%%=*} current=\${current#*=}`,
    `    _${program}_takes "$context:$option" && _${program}_offer`,
    "    return",
    "  fi",
    "  kind=words choices=",
    `  if ${commandsAreOptions(grammar) ? "true" : "[[ $current == -* ]]"}; then`,
    `    case "$context" in`,
    ...contexts.map(({ path, options }) => `      ${quoted(path)}) choices=${quoted(names(options))} ;;`),
    "    esac",
    "  else",
    `    case "$context:$position" in`,
    ...contexts.filter(({ commands }) => commands.length > 0).map(({ path, commands }) => `      ${quoted(`${path}:0`)}) choices=${quoted(names(commands))} ;;`),
    ...argumentCases(grammar).map((line) => `      ${line}`),
    "    esac",
    "  fi",
    `  _${program}_offer`,
    "}",
    "",
    `complete -F _${program} ${program}`,
    "",
  ].join("\n");
}

/** Fills COMPREPLY by `kind`, `choices`, `current` and `words`. */
function offerFunction(program: string): readonly string[] {
  return [
    `_${program}_offer() {`,
    "  local option= service= index prefix",
    "  case $kind in",
    "    words) ;;",
    `    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;`,
    `    folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;`,
    "    interface) choices=$(cd /sys/class/net && echo *) ;;",
    ...(program === "ipvsadm" ? ipvsadmKinds() : []),
    "    *) return ;;",
    "  esac",
    `  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")`,
    "  # Only what stands behind the last colon is replaced.",
    "  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then",
    `    prefix=\${current%"\${current##*:}"}`,
    `    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")`,
    "  fi",
    "}",
  ];
}

function ipvsadmKinds(): readonly string[] {
  return [
    `    service) choices=$("\${words[0]}" --save --numeric 2>/dev/null | awk -v option="$choices" ${quoted(SERVICES_AWK)}) ;;`,
    "    server)",
    `      for ((index = 1; index < \${#words[@]} - 1; index++)); do`,
    `        case "\${words[index]}" in`,
    ...SERVICE_PATTERNS.map(([pattern, option]) => `          ${pattern}) option=${option} service=\${words[index + 1]} ;;`),
    "        esac",
    "      done",
    `      choices=$("\${words[0]}" --save --numeric 2>/dev/null | awk -v option="$option" -v service="$service" ${quoted(SERVERS_AWK)}) ;;`,
  ];
}
