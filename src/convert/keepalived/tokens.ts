// A line of keepalived.conf as words. keepalived.conf(5), "Quoted strings": quotes of either kind group what stands between
// them, anywhere in a word, and a backslash takes the next character as it is or for what it stands.

export interface Word {
  readonly text: string;
  /** From 0, in the line. */
  readonly offset: number;
  /** A brace that opens or closes a block. */
  readonly brace: boolean;
}

/** `quote`: the one that does not end. */
export type Words = { readonly words: readonly Word[] } | { readonly quote: string; readonly offset: number };

const ESCAPES: { readonly [letter: string]: string } = { a: "\x07", b: "\b", E: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** Comments begin with # or ! anywhere but between double quotes; a backslash before one takes that from it. */
export function withoutComment(line: string): string {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line[i] === '"') quoted = !quoted;
    else if (!quoted && (line[i] === "#" || line[i] === "!")) return line.slice(0, i);
  }
  return line;
}

export function splitWords(line: string): Words {
  const words: Word[] = [];
  let offset = 0;
  while (offset < line.length) {
    const character = line[offset]!;
    if (/\s/.test(character)) {
      offset++;
    } else if (character === "{" || character === "}") {
      words.push({ text: character, offset, brace: true });
      offset++;
    } else {
      const word = readWord(line, offset);
      if ("quote" in word) return word;
      words.push({ text: word.text, offset, brace: false });
      offset = word.end;
    }
  }
  return { words };
}

function readWord(line: string, start: number): { text: string; end: number } | { quote: string; offset: number } {
  let text = "";
  let quote: { mark: string; offset: number } | undefined;
  let i = start;
  while (i < line.length) {
    const character = line[i]!;
    if (quote === undefined && (/\s/.test(character) || isBrace(line, i))) break;
    if (character === "\\") {
      const [value, length] = readEscape(line, i + 1);
      text += value;
      i += 1 + length;
    } else if (character === quote?.mark) {
      quote = undefined;
      i++;
    } else if (quote === undefined && (character === '"' || character === "'")) {
      quote = { mark: character, offset: i };
      i++;
    } else if (quote === undefined && character === "$" && line[i + 1] === "{") {
      // A parameter that nobody defined stays as it stands.
      const end = line.indexOf("}", i);
      text += line.slice(i, end < 0 ? line.length : end + 1);
      i = end < 0 ? line.length : end + 1;
    } else {
      text += character;
      i++;
    }
  }
  return quote === undefined ? { text, end: i } : { quote: quote.mark, offset: quote.offset };
}

const isBrace = (line: string, i: number): boolean => line[i] === "{" || line[i] === "}";

/** What stands behind a backslash, and how many characters it takes. */
function readEscape(line: string, at: number): [string, number] {
  const rest = line.slice(at);
  const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
  if (octal !== undefined) return [String.fromCharCode(parseInt(octal, 8) & 255), octal.length];
  const hexadecimal = /^x([\da-f]+)/i.exec(rest);
  if (hexadecimal !== null) return [String.fromCharCode(parseInt(hexadecimal[1]!.slice(-2), 16)), hexadecimal[0].length];
  const control = /^c(.)/.exec(rest);
  if (control !== null) return [String.fromCharCode(control[1]!.charCodeAt(0) & 31), 2];
  const letter = rest[0] ?? "";
  return [ESCAPES[letter] ?? letter, letter.length];
}
