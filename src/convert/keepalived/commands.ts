// A script as keepalived takes it apart, into a program and its arguments: at blanks, but for those between single quotes.
// keepalived.conf(5), "Quoted strings".

/** Undefined where a quote does not end, or where nothing is named. */
export function readCommand(text: string): readonly string[] | undefined {
  if ((text.split("'").length - 1) % 2 === 1) return undefined;
  const words = [...text.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
  return words.length === 0 ? undefined : words;
}
