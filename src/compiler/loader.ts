// Where modules come from: the text that is compiled, and the same module as live JavaScript.
//
//   a file of weir's tree      src/x/y.ts      its JavaScript stands at the mirrored place, dist/x/y.js
//   any other .ts file         policy.ts       its types are blanked out, its imports made absolute, and it runs as a data: URL
//   a text                     moduleOfText()  it brings its names along

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseSync } from "oxc-parser";
import { CompileError } from "./diagnostics.js";
import type { SourceFile } from "./ir.js";
import type { LiveModule, LiveValues } from "./module.js";
import { Module } from "./module.js";
import { parse } from "./parse.js";
import { stripTypes } from "./strip-types.js";

/** Loads the module at `entry`, a path or a file: URL of a .ts file, and all that it imports, each once. `define`: see Module. */
export async function loadModules(entry: string, define: LiveValues = {}): Promise<Module> {
  const loaded = new Map<string, Module | LiveModule>();
  const load = async (path: string): Promise<Module | LiveModule> => {
    const known = loaded.get(path);
    if (known !== undefined) return known;
    const file = { path: shownPath(path), text: readFileSync(path, "utf8") };
    const program = parse(file); // its mistakes are better told by us than by the import below
    const module = isLanguage(path) ? { live: await liveModule(path) } : new Module(file, await liveModule(path), program, define);
    loaded.set(path, module);
    if (!(module instanceof Module)) return module;
    for (const specifier of module.specifiers()) {
      const target = resolveImport(specifier, path);
      if (target === undefined) throw missing(file, specifier);
      module.link(specifier, await load(target));
    }
    return module;
  };
  const path = entry.startsWith("file:") ? fileURLToPath(entry) : resolve(entry);
  if (!path.endsWith(".ts") || !existsSync(path)) throw new TypeError(`Cannot compile ${entry}: there is no such .ts file`);
  const module = await load(path);
  if (module instanceof Module) return module;
  throw new TypeError(`Cannot compile ${entry}: it is a module of the language itself; a program's module is needed`);
}

/** One module from a text; whatever it imports is looked up in `live` under its local name. */
export function moduleOfText(file: SourceFile, live: LiveValues, define: LiveValues = {}): Module {
  const module = new Module(file, live, parse(file), define);
  const renamed = { ...live };
  for (const [local, { name }] of module.imports) if (local in live) renamed[name] = live[local];
  for (const specifier of module.specifiers()) module.link(specifier, { live: renamed });
  return module;
}

const weirRoot = fileURLToPath(new URL("../..", import.meta.url));

/** The folders whose modules make the language: known by their live values, never compiled. */
const languageFolders = ["layout", "prelude", "ebpf"].map((folder) => join(weirRoot, "src", folder) + sep);
const isLanguage = (path: string): boolean => languageFolders.some((folder) => path.startsWith(folder));

const shownPath = (path: string): string => (path.startsWith(weirRoot) ? relative(weirRoot, path) : basename(path));

/** "./y.js" is y.ts beside the importer; "#x/y.js" is src/x/y.ts of weir. */
function resolveImport(specifier: string, from: string): string | undefined {
  if (!/^[#.]/.test(specifier)) return undefined;
  const target = specifier.startsWith("#") ? join(weirRoot, "src", specifier.slice(1)) : join(dirname(from), specifier);
  const path = target.replace(/\.js$/, ".ts");
  return existsSync(path) ? path : undefined;
}

const liveModule = async (path: string): Promise<LiveValues> => await import(liveUrl(path)) as LiveValues;

function liveUrl(path: string): string {
  const built = join(weirRoot, "dist", relative(join(weirRoot, "src"), path).replace(/\.ts$/, ".js"));
  if (path.startsWith(join(weirRoot, "src") + sep) && existsSync(built)) return pathToFileURL(built).href;
  const text = withAbsoluteImports(stripTypes(readFileSync(path, "utf8")), path);
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** A data: URL has no place from which relative imports could be resolved. */
function withAbsoluteImports(text: string, path: string): string {
  const { module } = parseSync(path, text, { lang: "js", sourceType: "module" });
  const sources = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries: [first] }) => first?.moduleRequest ?? []),
  ];
  let absolute = text;
  for (const { value, start, end } of sources.sort((a, b) => b.start - a.start)) {
    const target = resolveImport(value, path);
    if (target === undefined) throw missing({ path: shownPath(path), text }, value);
    absolute = `${absolute.slice(0, start)}${JSON.stringify(liveUrl(target))}${absolute.slice(end)}`;
  }
  return absolute;
}

function missing(file: SourceFile, specifier: string): CompileError {
  const start = Math.max(0, file.text.indexOf(specifier));
  return new CompileError([{
    code: "module-missing", message: `no source of module "${specifier}" was found`,
    remedy: `import "./name.js" beside this file or "#layer/name.js" of weir; kernel TypeScript has no packages`,
    span: { file, start, end: start + specifier.length },
  }]);
}
