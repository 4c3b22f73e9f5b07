// Writes a manual page in the macros of man(7). Texts mark what is to be typed as it stands by `backticks`, which become
// bold, and what stands for something else by <angles>, which become italic.
//
//   { heading: "OPTIONS", blocks: [item("`--check`", "only say …")] }        .SH OPTIONS
//                                                                            .TP
//                                                                            \fB\-\-check\fR
//                                                                            only say …

export interface Page {
  readonly name: string;
  readonly section: 5 | 8;
  /** The rest of "name \- …". */
  readonly purpose: string;
  readonly sections: readonly Section[];
}

export interface Section {
  readonly heading: string;
  /** One below the sections of the page. */
  readonly isSub?: boolean;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "item"; readonly tag: string; readonly texts: readonly string[] }
  | { readonly kind: "example"; readonly lines: readonly string[] };

export const paragraph = (text: string): Block => ({ kind: "paragraph", text });
/** Texts that are empty are left out. */
export const item = (tag: string, ...texts: readonly string[]): Block => ({ kind: "item", tag, texts: texts.filter((text) => text !== "") });
export const example = (...lines: readonly string[]): Block => ({ kind: "example", lines });

/** mandoc finds lines over 80 bytes bad style. */
const LINE_BYTES_MAX = 79;

/** `date` as in 2030-12-31. */
export function writePage({ name, section, purpose, sections }: Page, version: string, date: string): string {
  return [
    `.TH ${name.toUpperCase()} ${section} ${date} "weir ${version}" "Linux Virtual Server"`,
    ".SH NAME", `${escape(name)} \\- ${escape(purpose)}`,
    ...sections.flatMap(writeSection),
    "",
  ].join("\n");
}

function writeSection({ heading, isSub, blocks }: Section): readonly string[] {
  // A paragraph straight after its heading needs no macro of its own.
  return [`${isSub === true ? ".SS" : ".SH"} ${marked(heading)}`, ...blocks.flatMap((block, i) => writeBlock(block, i === 0))];
}

function writeBlock(block: Block, isFirst: boolean): readonly string[] {
  switch (block.kind) {
    case "paragraph": return [...(isFirst ? [] : [".PP"]), ...filled(block.text)];
    case "item": {
      const [first = "", ...others] = block.texts;
      return [".TP", marked(block.tag), ...filled(first), ...others.flatMap((text) => [".IP", ...filled(text)])];
    }
    case "example": return [...(isFirst ? [] : [".PP"]), ".EX", ...block.lines.map((line) => guarded(escape(line))), ".EE"];
  }
}

/** Lines that roff joins again. */
function filled(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of marked(text).split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && Buffer.byteLength(`${last} ${word}`) < LINE_BYTES_MAX) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(guarded);
}

function marked(text: string): string {
  return text.split(/(`[^`]+`|<[^<>\s]+>)/).map((part, i) => {
    if (i % 2 === 0) return escape(part);
    return part.startsWith("`") ? `\\fB${literal(part.slice(1, -1))}\\fR` : `\\fI${escape(part.slice(1, -1))}\\fR`;
  }).join("");
}

/** What is typed has no typographic minus, quotes or accents. */
function literal(text: string): string {
  return escape(text).replaceAll("-", "\\-").replaceAll("^", "\\(ha").replaceAll("~", "\\(ti").replaceAll("'", "\\(aq");
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("…", "...").replaceAll("—", "\\(em").replaceAll("–", "\\(en").replaceAll("×", "\\(mu");
}

/** A full stop or a quote at the beginning of a line would be a request. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}
