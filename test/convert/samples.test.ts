// The sample configurations of Debian's package keepalived, all of them: each is imported without a mistake, its services are those
// that the file names, and every line of it has its effect or its note. They are read where the package puts them, or where
// WEIR_KEEPALIVED_SAMPLES says; when that is set, they must be there.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { printDocument } from "#convert/document.js";
import { importKeepalived } from "#convert/keepalived/keepalived.js";
import type { KeepalivedImport } from "#convert/keepalived/keepalived.js";
import { parseConfig } from "#model/config.js";
import { ConfigError } from "#model/config/error.js";
import { formatServiceId } from "#model/names.js";

const told = process.env.WEIR_KEEPALIVED_SAMPLES;
const folder = told ?? "/usr/share/doc/keepalived/samples";
const lacking = told === undefined && !existsSync(folder) ? `there is no ${folder}; it comes with Debian's package keepalived` : false;
const names = lacking === false ? readdirSync(folder).filter((name) => name.startsWith("keepalived.conf.")).sort() : [];
/** What the sample with conditions is for. */
const CONFIG_ID = "high";
/** keepalived 2.2.7 has 25. */
const SAMPLES_MIN = 20;

describe("the samples of Debian's keepalived", { skip: lacking }, () => {
  test("are there", () => assert.ok(names.length >= SAMPLES_MIN, `${folder} holds ${names.length} samples`));

  for (const name of names) {
    const text = readFileSync(join(folder, name), "utf8");
    test(`${name}: has the services that it names`, () => {
      const { services } = parseConfig(printDocument(read(name, text), name), { file: "weir.yaml", environment: {} });
      assert.deepEqual(services.map(({ id }) => formatServiceId(id)).sort(), expectedServices(text).sort());
      const servers = count(text, /^\s*real_server\s/);
      assert.ok(services.length === 0 || Math.max(...services.map(({ destinations }) => destinations.length)) <= servers);
      assert.ok(services.every(({ destinations }) => destinations.length > 0 && destinations.every(({ health }) => health.checks.length > 0)));
    });

    test(`${name}: every line is used or named in a note`, () => {
      const { fates, notes } = read(name, text);
      for (const { line, heads, text: directive } of directiveLines(text)) {
        const fate = fates.find((one) => one.line === line);
        assert.ok(fate !== undefined, `line ${line} has no fate: ${directive}`);
        if (fate.fate === "left") assert.ok(notes.some((note) => note.line === line || heads.includes(note.line)), `line ${line} is left out and not named: ${directive}`);
      }
    });

    test(`${name}: another number in a line that is used makes another configuration`, () => {
      const before = outcome(name, text);
      const used = new Set(read(name, text).fates.filter(({ fate }) => fate === "used").map(({ line }) => line));
      const lines = text.split("\n");
      for (const { line } of directiveLines(text).filter((one) => used.has(one.line))) {
        const bare = withoutComment(lines[line - 1]!);
        const changed = bare.replace(/(\d+)(?!.*\d)/, (number) => String(Number(number) + 1));
        if (changed === bare) continue;
        assert.notEqual(outcome(name, lines.with(line - 1, changed).join("\n")), before, `line ${line}: ${changed}`);
      }
    });
  }
});

function read(file: string, text: string): KeepalivedImport {
  return importKeepalived(text, { file, configId: CONFIG_ID, workingFolder: "/etc/keepalived", hasUser: () => false, include: () => [] });
}

/** Without the comments of the document. */
function outcome(file: string, text: string): string {
  try {
    return printDocument(read(file, text), file).replace(/^ *#.*\n/gm, "");
  } catch (error) {
    if (error instanceof ConfigError) return "a mistake";
    throw error;
  }
}

const withoutComment = (line: string): string => line.replace(/[!#].*/, "").trimEnd();

interface DirectiveLine {
  readonly line: number;
  /** Lines at which the blocks around it begin. */
  readonly heads: readonly number[];
  readonly text: string;
}

/** Lines that say something, by counting braces alone. */
function directiveLines(text: string): readonly DirectiveLine[] {
  const heads: number[] = [];
  return text.split("\n").flatMap((raw, i) => {
    const line = withoutComment(raw).trim();
    const [, id] = /^@(\S+)/.exec(line) ?? [];
    const around = [...heads];
    if (line.endsWith("{")) heads.push(i + 1);
    if (line === "}") heads.pop();
    return line === "" || line === "}" || line === "{" || (id !== undefined && id !== CONFIG_ID) ? [] : [{ line: i + 1, heads: around, text: line }];
  });
}

const count = (text: string, expression: RegExp): number => text.split("\n").map(withoutComment).filter((line) => expression.test(line)).length;

/** From the text alone: "virtual_server A P", each in the protocol of its block, and the lines of groups, with ranges of a last part. */
function expectedServices(text: string): string[] {
  const bare = text.split("\n").map(withoutComment).join("\n");
  const groups = new Map([...bare.matchAll(/^virtual_server_group\s+(\S+)\s*\{([^}]*)\}/gm)].map(([, name, body]) => [name!, body!.trim().split("\n").map((line) => line.trim())]));
  return [...bare.matchAll(/^virtual_server\s+([^{]*?)\s*\{([^]*?)^\}/gm)].flatMap(([, head, body]) => {
    const protocol = /^\s*protocol\s+(\w+)/m.exec(body!)![1]!.toLowerCase();
    const entries = head!.startsWith("group ") ? groups.get(head!.slice("group ".length))! : [head!];
    return entries.flatMap((entry) => expandEntry(entry, protocol));
  });
}

function expandEntry(entry: string, protocol: string): readonly string[] {
  const [address = "", port] = entry.split(/\s+/);
  if (address === "fwmark") return [`fwmark ${port}`];
  const [, base, first, last] = /^(.*\.)(\d+)-(\d+)$/.exec(address) ?? [];
  const addresses = base === undefined ? [address] : Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${base}${Number(first) + i}`);
  return addresses.map((one) => `${protocol} ${one.includes(":") ? `[${one}]` : one}:${port}`);
}
