// The manual pages: good roff, and all that the programs and the configuration have.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkCommandOptions, OPTIONS } from "#cli/ipvsadm/options.js";
import { OPTION_MEANINGS, optionsOf } from "#cli/ipvsadm/meanings.js";
import { USAGE } from "#cli/ipvsadm/usage.js";
import { createProgram } from "#cli/weir/commands.js";
import { PAGE_NAMES, manualPage } from "#cli/weir/manual/pages.js";
import { writePage } from "#cli/weir/manual/roff.js";
import { COMMAND_TEXTS } from "#cli/weir/manual/weir-texts.js";
import { leaves, visibleOptions } from "#cli/weir/manual/weir-page.js";
import { KEY_SECTIONS } from "#model/config/meanings.js";
import { SYSCTL_NAMES } from "#model/sysctls.js";

// Compiled, this file is dist/out/test/cli/manual.test.js.
const root = fileURLToPath(new URL("../../../..", import.meta.url));
const program = createProgram();
const page = (name: (typeof PAGE_NAMES)[number]): string => manualPage(name, program).text;
/** As roff writes what is to be typed. */
const typed = (text: string): string => `\\fB${text.replaceAll("-", "\\-")}\\fR`;

/** Undefined where it runs. */
function lacks(program: string): string | undefined {
  return spawnSync(program, ["-V"]).error === undefined ? undefined : `${program} is not installed`;
}

describe("every page", () => {
  for (const name of PAGE_NAMES) {
    test(`${name} passes mandoc's lint, style included`, { skip: lacks("mandoc") }, () => {
      const { stdout, stderr } = spawnSync("mandoc", ["-T", "lint", "-W", "style"], { input: page(name), encoding: "utf8" });
      assert.equal(stdout + stderr, "");
    });

    test(`${name} is formatted by groff without a warning`, { skip: lacks("groff") }, () => {
      const { stdout, stderr, status } = spawnSync("groff", ["-man", "-ww", "-Kutf8", "-Tutf8"], { input: page(name), encoding: "utf8" });
      assert.deepEqual({ stderr, status }, { stderr: "", status: 0 });
      assert.match(stdout, /Linux Virtual Server/);
    });

    test(`${name} is printed by weir man`, () => {
      const { stdout, status } = spawnSync(process.execPath, [join(root, "bin/weir"), "man", name], { encoding: "utf8" });
      assert.deepEqual({ stdout, status }, { stdout: page(name), status: 0 });
    });
  }

  test("is named by package.json, so that npm installs it", () => {
    const { man } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { man: string[] };
    assert.deepEqual(man, PAGE_NAMES.map((name) => `man/${manualPage(name, program).file}`));
  });
});

test("weir(8) has every command with its options, and says what each may be", () => {
  const text = page("weir");
  for (const { path, command } of leaves(program)) {
    assert.match(text, new RegExp(`^\\.SS weir ${path}\\b`, "m"));
    for (const { long, argChoices = [] } of visibleOptions(command)) {
      assert.ok(text.includes(typed(long!)), `${path} ${long}`);
      for (const choice of argChoices) assert.ok(text.includes(typed(choice)), `${path} ${long} ${choice}`);
    }
  }
  assert.ok(leaves(program).length > 10);
});

test("weir(8)'s longer texts are of commands that there are", () => {
  const paths = leaves(program).map(({ path }) => path);
  assert.deepEqual(Object.keys(COMMAND_TEXTS).filter((path) => !paths.includes(path)), []);
});

test("ipvsadm(8) has every option, long and short, with its meaning, and no other", () => {
  const text = page("ipvsadm");
  for (const { long, short } of OPTIONS) {
    assert.match(text, new RegExp(`^\\.TP\\n.*${escaped(typed(`--${long}`))}.*\\n\\w`, "m"), long);
    if (short !== undefined) assert.match(text, new RegExp(`^\\.TP\\n.*${escaped(typed(`-${short}`))}`, "m"), short);
  }
  assert.deepEqual(Object.keys(OPTION_MEANINGS).sort(), [...new Set(OPTIONS.map(({ long }) => long))].sort());
});

test("ipvsadm(8) has every option that --help has", () => {
  const text = page("ipvsadm");
  const named = new Set([...USAGE.matchAll(/--[a-z-]+\w/g)].map(([option]) => option));
  assert.ok(named.size > 40);
  assert.deepEqual([...named].filter((option) => !text.includes(typed(option))), []);
});

test("the options that ipvsadm(8) names with a command are those that the command takes", () => {
  const listed = optionsOf("add-server").map(({ spec }) => spec.name!).filter((name) => name !== undefined);
  assert.doesNotThrow(() => checkCommandOptions("add-server", new Set(listed)));
  assert.deepEqual(optionsOf("save").map(({ long }) => long), ["numeric"]);
  assert.ok(!listed.includes("scheduler"));
});

test("weir.yaml(5) has every key of the schemas, and every sysctl", () => {
  const text = page("weir.yaml");
  for (const { heading, fields } of KEY_SECTIONS) {
    const [, section = ""] = text.split(`.SH ${heading.toUpperCase()}\n`);
    for (const key of Object.keys(fields.shape)) assert.ok(section.split("\n.SH ")[0]!.includes(`.TP\n${typed(key)}\n`), `${heading}: ${key}`);
  }
  for (const name of SYSCTL_NAMES) assert.ok(text.includes(typed(name)), name);
});

test("roff: what would be a request or an escape is text", () => {
  const written = writePage({
    name: "x", section: 8, purpose: "y", sections: [{ heading: "A", blocks: [{ kind: "example", lines: [".so /etc/passwd", "'b \\e"] }, { kind: "paragraph", text: ".c `a-b` <d> e-f" }] }],
  }, "1", "2030-12-31");
  assert.equal(written.split(".SH A\n")[1], ".EX\n\\&.so /etc/passwd\n\\&'b \\ee\n.EE\n.PP\n\\&.c \\fBa\\-b\\fR \\fId\\fR e-f\n");
});

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|-]/g, "\\$&");
