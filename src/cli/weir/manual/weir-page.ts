// weir(8), from the commander program: the words of --help, and what weir-texts.ts tells beyond them.

import type { Argument, Command, Option } from "commander";
import type { Block, Page, Section } from "./roff.js";
import { example, item, paragraph } from "./roff.js";
import { COMMAND_TEXTS, ENVIRONMENT, EXAMPLES, EXIT_STATUS, FILES, INTRODUCTION } from "./weir-texts.js";

export function weirPage(program: Command): Page {
  return {
    name: "weir", section: 8, purpose: "direct connections to real servers, as Linux Virtual Server does",
    sections: [
      { heading: "SYNOPSIS", blocks: [paragraph("`weir` [<options>] <command> [<arguments>]")] },
      { heading: "DESCRIPTION", blocks: INTRODUCTION.map(paragraph) },
      { heading: "OPTIONS", blocks: visibleOptions(program).map(optionItem) },
      { heading: "COMMANDS", blocks: [paragraph("Each takes `--help`.")] },
      ...leaves(program).map(({ path, command }) => commandSection(path, command)),
      { heading: "EXIT STATUS", blocks: items(EXIT_STATUS, "") },
      { heading: "FILES", blocks: items(FILES, "`") },
      { heading: "ENVIRONMENT", blocks: items(ENVIRONMENT, "`") },
      { heading: "EXAMPLES", blocks: EXAMPLES.flatMap(({ text, lines }) => [paragraph(text), example(...lines)]) },
      { heading: "SEE ALSO", blocks: [paragraph("`weir.yaml`(5), `ipvsadm`(8)")] },
    ],
  };
}

const items = (texts: Readonly<Record<string, string>>, mark: string): readonly Block[] =>
  Object.entries(texts).map(([tag, text]) => item(`${mark}${tag}${mark}`, text));

interface Leaf {
  /** "realserver up" */
  readonly path: string;
  readonly command: Command;
}

/** The commands that do something: of `realserver` its own commands. */
export function leaves(program: Command): readonly Leaf[] {
  return visibleCommands(program).flatMap((command) => {
    const inner = leaves(command).map((leaf) => ({ ...leaf, path: `${command.name()} ${leaf.path}` }));
    return inner.length > 0 ? inner : [{ path: command.name(), command }];
  });
}

/** As --help lists them, without `help` itself. */
export function visibleCommands(program: Command): readonly Command[] {
  return program.createHelp().visibleCommands(program).filter((command) => command.name() !== "help");
}

export function visibleOptions(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function commandSection(path: string, command: Command): Section {
  const texts = COMMAND_TEXTS[path] ?? [];
  const usage = command.registeredArguments.map((argument) => ` ${argumentName(argument)}`).join("");
  const options = visibleOptions(command).filter(({ long }) => long !== "--help");
  return {
    heading: `weir ${path}${options.length > 0 ? " [options]" : ""}${usage.replaceAll(/[<>]/g, "")}`, isSub: true,
    blocks: [
      paragraph(sentence(command.description())),
      ...texts.map(paragraph),
      ...command.registeredArguments.map((argument) => item(argumentName(argument), `${sentence(argument.description)}${choices(argument.argChoices)}`)),
      ...options.map(optionItem),
    ],
  };
}

/** "<file>", "[<method>...]" */
function argumentName(argument: Argument): string {
  const name = `<${argument.name()}>${argument.variadic ? "..." : ""}`;
  return argument.required ? name : `[${name}]`;
}

/** "`--vip` <address...>" */
function optionItem(option: Option): Block {
  const tag = option.flags.replaceAll(/(^|[ ,])(-[\w-]+)/g, "$1`$2`");
  return item(tag, `${sentence(option.description)}${choices(option.argChoices)}${option.mandatory ? " Needed." : ""}`);
}

const choices = (words: readonly string[] | undefined): string => (words === undefined ? "" : ` One of ${words.map((word) => `\`${word}\``).join(", ")}.`);

/** What begins with a word of the command line keeps it as it is. */
function sentence(text: string): string {
  const begun = text.replace(/^[a-z]+(?=[ ;]|$)/, (word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  return begun === "" || begun.endsWith(".") ? begun : `${begun}.`;
}
