import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../config.js";
import { ConfigError } from "./error.js";
import { formatServiceId } from "../names.js";

const FILES: { readonly [file: string]: string } = {
  "web.yaml": "services: [{address: 10.0.0.100:80, destinations: [{address: 192.168.1.11}]}]",
  "dns.yaml": "include: more.yaml\nservices:\n  - {address: 10.0.0.100:53, protocol: udp}\n",
  "more.yaml": "services: [{address: 10.0.0.100:443}]\nsysctl: {drop_entry: 1}\n",
  "wrong.yaml": "services:\n  - {address: 10.0.0.101:80, wieght: 3}\n  - {address: 10.0.0.100:80}\n",
  "itself.yaml": "services: []\ninclude: [itself.yaml]\n",
  "broken.yaml": "services: [\n",
  "defaults.yaml": "\n\ndefaults: {protocol: sctp}\nservices: []\n",
};
const MAIN = "defaults: {protocol: tcp, method: nat}\nservices: [{address: 10.0.0.99:80}]\n";

const parse = (text: string) => parseConfig(text, {
  file: "weir.yaml",
  readIncluded: (pattern) => (pattern === "*" ? ["dns.yaml", "web.yaml"] : [pattern]).map((file) => {
    const held = FILES[file];
    if (held === undefined) throw new Error(`cannot include ${file}: there is no such file`);
    return { file, text: held };
  }),
});
const messages = (text: string): readonly string[] => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n").slice(1);
    throw error;
  }
  return [];
};

test("services of included files come after the file's own, in the order of the files, and take its defaults", () => {
  const { services, sysctls } = parse(`${MAIN}include: "*"\n`);
  assert.deepEqual(services.map(({ id }) => formatServiceId(id)), ["tcp 10.0.0.99:80", "udp 10.0.0.100:53", "tcp 10.0.0.100:443", "tcp 10.0.0.100:80"]);
  assert.equal(services[3]!.destinations[0]!.forward, "masq");
  assert.deepEqual(sysctls, { drop_entry: 1 });
});

test("mistakes stand in the file that they are in", () => {
  assert.deepEqual(messages(`${MAIN}include: [web.yaml, wrong.yaml]\nmode: tcx\n`), [
    'weir.yaml:4:7: mode: "tcx" is not known; did you mean "tc"?',
    'wrong.yaml:2:30: services[2].wieght: is not a key here; did you mean "weight"?',
    "wrong.yaml:3:5: services[3]: tcp 10.0.0.100:80 is services[1] already; put the destinations of both into one",
  ]);
});

test("what cannot be included is said with the rest of it", () => {
  assert.deepEqual(messages(`${MAIN}include: [none.yaml, 3, broken.yaml, itself.yaml, defaults.yaml]`), [
    "weir.yaml:3:11: include[0]: cannot include none.yaml: there is no such file",
    "weir.yaml:3:22: include[1]: 3 is not the name of a file",
    "broken.yaml:2:1: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    "itself.yaml:2:11: include[0]: itself.yaml includes itself: weir.yaml includes itself.yaml includes itself.yaml; take one away",
    "defaults.yaml:3:11: defaults: stands in weir.yaml:1 too; keep one of them",
  ]);
});

test("files that include others twice come to an end", () => {
  const levels = (depth: number): string => `include: ["${depth + 1}", "${depth + 1}"]\n`;
  const issues = (() => {
    try {
      parseConfig(levels(0), { file: "0", readIncluded: (pattern) => [{ file: pattern, text: Number(pattern) < 40 ? levels(Number(pattern)) : "" }] });
      return [];
    } catch (error) {
      return (error as ConfigError).issues.map(({ message }) => message);
    }
  })();
  assert.deepEqual(issues, ["more than 1000 files are included; is one included again and again?"]);
});

test("include takes a name or a list of names", () => {
  assert.deepEqual(messages("services: []\ninclude: {a: b}\n"), ["weir.yaml:2:10: include: a mapping is not a list of files"]);
});

test("where no files are, none are included", () => {
  assert.throws(() => parseConfig("services: []\ninclude: a\n", { file: "weir.yaml" }), /files cannot be included here/);
});
