// Which program a configuration is for, by its name and by what is in it.

export const IMPORTED_FORMATS = ["ipvsadm", "keepalived", "ldirectord"] as const;
export type ImportedFormat = (typeof IMPORTED_FORMATS)[number];
export type Format = "weir" | ImportedFormat;

/** What no YAML of weir's looks like, line by line; the first line that fits tells. */
const TELLING: readonly (readonly [ImportedFormat, RegExp])[] = [
  ["ipvsadm", /^\s*(?:ipvsadm\s+)?(?:-[AaEeDdCRS]|--(?:add|edit|delete)-(?:service|server)|--set|--clear)(?:\s|$)/],
  ["keepalived", /^\s*(?:(?:virtual_server(?:_group)?|real_server|vrrp_\w+|static_\w+|track_\w+|bfd_instance|garp_group)\s.*|global_defs\s*|SSL\s*)(?:\{.*)?$|^\s*(?:\$\w+=|@\^?\w|~(?:SEQ|LST)|include\w?\s+[^:]*$)/],
  ["ldirectord", /^(?:virtual6?|check(?:timeout|interval|count)|negotiatetimeout|failurecount|fallback6?|quiescent|autoreload|logfile|supervised|callback|fork|cleanstop|emailalert\w*)\s*=/],
];

export function detectFormat(file: string, text: string): Format {
  const name = file.slice(file.lastIndexOf("/") + 1);
  if (/\.(?:ya?ml|json)$/i.test(name)) return "weir";
  if (/^keepalived\b/.test(name)) return "keepalived";
  if (/^ldirectord\b/.test(name)) return "ldirectord";
  if (/^ipvsadm\b/.test(name)) return "ipvsadm";
  for (const line of text.split("\n")) {
    const found = TELLING.find(([, expression]) => expression.test(line));
    if (found !== undefined) return found[0];
    // A key of YAML at the head of a line, or a bracket of JSON.
    if (/^(?:[\w"'-]+\s*:|[{[]|---)/.test(line)) return "weir";
  }
  return "weir";
}
