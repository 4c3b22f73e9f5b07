// weir.yaml(5), and the same tables for docs/configuration.md, from the keys' schemas and meanings.

import type { KeySection, Meaning } from "#model/config/meanings.js";
import { KEY_SECTIONS, describeKey } from "#model/config/meanings.js";
import type { SysctlName } from "#model/sysctls.js";
import { SYSCTLS, SYSCTL_NAMES } from "#model/sysctls.js";
import type { Page, Section } from "./roff.js";
import { example, item, paragraph } from "./roff.js";

export function configPage(): Page {
  return {
    name: "weir.yaml", section: 5, purpose: "what a director of weir does",
    sections: [DESCRIPTION, ...KEY_SECTIONS.map(keySection), sysctlSection(), EXAMPLES, SEE_ALSO],
  };
}

const DESCRIPTION: Section = {
  heading: "DESCRIPTION",
  blocks: [
    paragraph("`weir apply` makes the running director what this file says, by the smallest difference: a service that the file leaves as it is keeps its connections, "
      + "a destination whose weight changed is edited. What stands in the director and not in the file goes."),
    paragraph("The file is YAML 1.2, anchors, aliases and `<<` merges included, so JSON will do. Every mistake is reported at once, with its line and what would work there, and nothing is changed."),
    paragraph("`${NAME}` in a value is the environment's variable of that name, `${NAME:-default}` the default where it is empty or not set, `$${` these two characters themselves. "
      + "It is put in after the text was read as YAML, so it never becomes more than one value. "
      + "In quotes it is a text, and inside of braces and brackets YAML wants it in quotes: what is to be a number, as in `port: ${PORT}`, has a line of its own."),
    paragraph("Lists of included files are joined to the file's own; every other key stands in one file only."),
  ],
};

function keySection(section: KeySection): Section {
  const { heading, place, keys } = section;
  return {
    heading: heading.toUpperCase(),
    blocks: [
      paragraph(`${place}:`),
      ...Object.entries(keys).map(([key, meaning]) => item(`\`${key}\``, sentence(meaning.meaning), `Holds: ${describeKey(section, key)}.`, without(meaning))),
    ],
  };
}

const without = ({ without: text }: Meaning): string => (text === "" ? "" : `Without it: ${text}.`);

function sysctlSection(): Section {
  return { heading: "SYSCTLS", blocks: [paragraph("Under `sysctl`:"), ...SYSCTL_NAMES.map(sysctlItem)] };
}

function sysctlItem(name: SysctlName) {
  const { default: start, expected, meaning, unused } = SYSCTLS[name];
  const begins = start === undefined ? "by memory" : typeof start === "number" ? `${start}` : start.join(" ");
  return item(`\`${name}\``, sentence(meaning), `Holds: ${expected}.`, `At the start: ${begins}.`, unused === undefined ? "" : `Kept only: ${unused}.`);
}

const sentence = (text: string): string => (text.startsWith("`") ? `${text}.` : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);

const EXAMPLES: Section = {
  heading: "EXAMPLES",
  blocks: [example(
    "interfaces: [eth0, eth1]",
    "services:",
    "  - protocol: tcp",
    "    address: 10.0.0.100:80",
    "    interface: eth0",
    "    scheduler: wrr",
    "    method: nat",
    "    destinations:",
    "      - address: 192.168.1.11:8080",
    "      - address: 192.168.1.12:8080",
    "        weight: 3",
  )],
};

const SEE_ALSO: Section = { heading: "SEE ALSO", blocks: [paragraph("`weir`(8), `ipvsadm`(8)")] };

/** The table of a section for docs/configuration.md. */
export function markdownTable(section: KeySection): string {
  const rows = Object.entries(section.keys).map(([key, { meaning, without: otherwise }]) => `| \`${key}\` | ${describeKey(section, key)} | ${meaning} | ${otherwise} |`);
  return ["| key | holds | meaning | without it |", "|---|---|---|---|", ...rows].join("\n");
}

const MARKER = /(<!-- keys of (\w+), .*-->\n)[^]*?(<!-- end of keys -->)/g;

/** The document with the tables that its markers name. Throws where a marker names none, or a table has no marker. */
export function withKeyTables(document: string): string {
  const missing = new Set(KEY_SECTIONS.map(({ name }) => name));
  const text = document.replaceAll(MARKER, (_, start: string, name: string, end: string) => {
    const section = KEY_SECTIONS.find((one) => one.name === name);
    if (section === undefined) throw new Error(`docs/configuration.md has a table of the keys of ${name}, and the schema has none; known are ${KEY_SECTIONS.map((one) => one.name).join(", ")}`);
    missing.delete(name);
    return `${start}${markdownTable(section)}\n${end}`;
  });
  if (missing.size > 0) throw new Error(`docs/configuration.md has no table of the keys of ${[...missing].join(", ")}; give each a line "<!-- keys of NAME, … -->" and one "<!-- end of keys -->"`);
  return text;
}
