// Columns for a terminal.

/** A heading that begins with ">" sets its column to the right. The last column of text may be as long as it likes. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = headings.map((heading) => heading.startsWith(">"));
  const lines = [headings.map((heading) => heading.replace(/^>/, "")), ...rows];
  const widths = headings.map((_, column) => lines.reduce((width, line) => Math.max(width, (line[column] ?? "").length), 0));
  return lines.map((line) => line.map((cell, column) => {
    const width = widths[column] ?? 0;
    return right[column] ? cell.padStart(width) : cell.padEnd(width);
  }).join("  ").trimEnd()).join("\n");
}

/** In groups of three digits: "1,234,567". */
export function formatCount(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}
