// ipvsadm(8), from the table of ipvsadm's options and what each of them means.

import type { ListedOption } from "../../ipvsadm/meanings.js";
import { listedOptions, optionsOf } from "../../ipvsadm/meanings.js";
import type { Command } from "../../ipvsadm/options.js";
import type { Block, Page, Section } from "./roff.js";
import { example, item, paragraph } from "./roff.js";

export function ipvsadmPage(): Page {
  return {
    name: "ipvsadm", section: 8, purpose: "administer a Linux Virtual Server, run by weir",
    sections: [synopsis(), DESCRIPTION, commands(), options(), EXIT_STATUS, FILES, EXAMPLES, SEE_ALSO],
  };
}

function synopsis(): Section {
  return { heading: "SYNOPSIS", blocks: [paragraph("`ipvsadm` <command> [<options>]")] };
}

const DESCRIPTION: Section = {
  heading: "DESCRIPTION",
  blocks: [
    paragraph("ipvsadm adds, changes and lists the virtual services of a director and their real servers. A virtual service is an address and a port of a protocol, or a firewall mark; "
      + "the director sends each new connection to it to one of its real servers, and all later packets of the connection to the same."),
    paragraph("This ipvsadm takes the commands of the one that configures the IPVS of the Linux kernel, prints the same texts, and ends with the same exit status. It configures weir, "
      + "whose packet path is a program in the kernel: its first change puts that on every Ethernet interface that is up. Nothing has to run for packets to flow."),
    paragraph("The first option is the command. Short options may stand together, the last of them with its value: `-Ln`, `-at` <service>."),
  ],
};

function commands(): Section {
  const blocks = listedOptions().filter(({ spec }) => spec.command !== undefined).map((option) => item(tag(option), `${sentence(option.meaning)}${takes(option)}`));
  return { heading: "COMMANDS", blocks };
}

function takes({ spec }: ListedOption): string {
  if (spec.command === undefined || spec.command === "help" || spec.command === "version") return "";
  const names = optionsOf(spec.command as Command).map(({ long }) => `\`--${long}\``);
  return names.length === 0 ? "" : ` Goes with ${names.join(", ")}.`;
}

function options(): Section {
  const blocks: readonly Block[] = listedOptions().filter(({ spec }) => spec.command === undefined).map((option) => item(tag(option), sentence(option.meaning)));
  return { heading: "OPTIONS", blocks };
}

/** "`-t`, `--tcp-service` <service>" */
function tag({ long, shorts, spec, value }: ListedOption): string {
  const names = [...shorts.map((short) => `\`-${short}\``), `\`--${long}\``].join(", ");
  if (value === undefined) return names;
  const values = value.split(" ").map((word) => `<${word}>`).join(" ");
  return spec.value === "optional" ? `${names} [${values}]` : `${names} ${values}`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const EXIT_STATUS: Section = {
  heading: "EXIT STATUS",
  blocks: [
    item("0", "The command was done."),
    item("1", "A list could not be made."),
    item("2", "The command line is wrong, or there is no permission to configure the director."),
    item("255", "An option is not known, or the director refused the change."),
  ],
};

const FILES: Section = {
  heading: "FILES",
  blocks: [
    item("`/etc/ipvsadm.rules`", "Where Debian's ipvsadm package keeps what `ipvsadm --save` printed. `ipvsadm --restore` reads it; `weir import ipvsadm` makes a weir.yaml of it."),
  ],
};

const EXAMPLES: Section = {
  heading: "EXAMPLES",
  blocks: [
    paragraph("A web service of two servers by NAT, the second of which gets twice as much:"),
    example(
      "ipvsadm -A -t 10.0.0.100:80 -s wrr",
      "ipvsadm -a -t 10.0.0.100:80 -r 192.168.1.11:8080 -m -w 1",
      "ipvsadm -a -t 10.0.0.100:80 -r 192.168.1.12:8080 -m -w 2",
      "ipvsadm -Ln --stats",
    ),
    paragraph("Let the first of them end its connections and take no new ones:"),
    example("ipvsadm -e -t 10.0.0.100:80 -r 192.168.1.11:8080 -m -w 0"),
  ],
};

const SEE_ALSO: Section = { heading: "SEE ALSO", blocks: [paragraph("`weir`(8), `weir.yaml`(5)")] };
