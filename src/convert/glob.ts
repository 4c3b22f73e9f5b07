// Patterns of file names, as glob(3) has them, with the braces of csh: what an include names.

/** "{foo/{,cat},bar}" is "foo/", "foo/cat" and "bar". */
export function expandBraces(pattern: string): readonly string[] {
  const start = pattern.indexOf("{");
  const end = start < 0 ? -1 : closingBrace(pattern, start);
  if (end < 0) return [pattern];
  const [before, after] = [pattern.slice(0, start), pattern.slice(end + 1)];
  return choices(pattern.slice(start + 1, end)).flatMap((choice) => expandBraces(`${before}${choice}${after}`));
}

function closingBrace(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  return -1;
}

/** Between commas that stand in no inner braces. */
function choices(text: string): readonly string[] {
  const found = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (character === "," && depth === 0) found.push("");
    else found[found.length - 1] += character;
  }
  return found;
}

export const hasWildcards = (part: string): boolean => /[*?[]/.test(part);

/** One part of a path. A name that begins with a dot is only met by a pattern that does; a range that ends before it begins meets none. */
export function wildcardExpression(part: string): RegExp {
  const source = part.replace(/\[!?\]?[^\]]*\]|[*?]|[^*?[]+|\[/g, (piece) => {
    if (piece === "*") return ".*";
    if (piece === "?") return ".";
    if (piece.length > 2 && piece.startsWith("[") && piece.endsWith("]")) return `[${piece.slice(1, -1).replace(/^!/, "^").replace(/[\\\]]/g, "\\$&")}]`;
    return piece.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  try {
    return new RegExp(`^${part.startsWith(".") ? "" : "(?!\\.)"}${source}$`, "s");
  } catch {
    return NOTHING;
  }
}

const NOTHING = /(?!)/;
