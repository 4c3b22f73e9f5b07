// The daemon's log: a line an event on stdout. The journal is told how bad it is, by sd-daemon(3)'s prefixes.

export type Level = "error" | "warning" | "information";
export type Log = (level: Level, text: string) => void;

const PREFIX: { readonly [level in Level]: string } = { error: "<3>", warning: "<4>", information: "<6>" };

/** `isJournal`: whether stdout is the journal's (JOURNAL_STREAM of systemd.exec(5)). */
export function openLog(write: (text: string) => void, isJournal: boolean): Log {
  return (level, text) => {
    for (const line of text.split("\n")) write(`${isJournal ? PREFIX[level] : ""}${line}\n`);
  };
}
