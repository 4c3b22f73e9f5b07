// Where modules come from. A program of weir's own tree has its sources under src/ and its live modules at the mirrored
// places under dist/; a program given as text brings its names along.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CompileError } from "./diagnostics.js";
import type { SourceFile } from "./ir.js";
import type { LiveModule, LiveValues } from "./module.js";
import { Module } from "./module.js";
import { parse } from "./parse.js";

/** `id` is whatever names a module to its loader: a path, usually. */
export interface Loader {
  resolve(specifier: string, from: string): string | undefined;
  load(id: string): Promise<{ readonly live: LiveValues; readonly file: SourceFile | undefined }>;
}

/** Loads the module `id` and all that it imports, each once. */
export async function loadModules(loader: Loader, id: string): Promise<Module> {
  const loaded = new Map<string, Module | LiveModule>();
  const load = async (id: string): Promise<Module | LiveModule> => {
    const known = loaded.get(id);
    if (known !== undefined) return known;
    const { live, file } = await loader.load(id);
    if (file === undefined) {
      loaded.set(id, { live });
      return { live };
    }
    const module = new Module(file, live, parse(file));
    loaded.set(id, module);
    for (const specifier of module.specifiers()) {
      const target = loader.resolve(specifier, id);
      if (target === undefined) throw missing(file, specifier);
      module.link(specifier, await load(target));
    }
    return module;
  };
  const entry = await load(id);
  if (!(entry instanceof Module)) throw new TypeError(`${id} is a module of the language itself; a program's module is needed`);
  return entry;
}

/** One module from a text; whatever it imports is looked up in `live` under its local name. */
export function moduleOfText(file: SourceFile, live: LiveValues): Module {
  const module = new Module(file, live, parse(file));
  const renamed = { ...live };
  for (const [local, { name }] of module.imports) if (local in live) renamed[name] = live[local];
  for (const specifier of module.specifiers()) module.link(specifier, { live: renamed });
  return module;
}

/** The folders whose modules make the language: known by their live values, never compiled. */
const languageFolders = ["layout", "prelude", "ebpf"];

/** src/x/y.ts with its JavaScript at dist/x/y.js, under one root. `#x/y.js` is src/x/y.ts. */
export function sourceTreeLoader(entry: string): { loader: Loader; id: string } {
  const id = entry.startsWith("file:") ? fileURLToPath(entry) : resolve(entry);
  const at = id.lastIndexOf(`${sep}src${sep}`);
  if (at < 0 || !id.endsWith(".ts")) {
    throw new TypeError(`Cannot compile ${entry}: a .ts file below a folder src/ is needed, with its JavaScript below dist/ beside it`);
  }
  const root = id.slice(0, at);
  const loader: Loader = {
    resolve(specifier, from) {
      const target = specifier.startsWith("#") ? join(root, "src", specifier.slice(1)) : specifier.startsWith(".") ? join(dirname(from), specifier) : undefined;
      const path = target?.replace(/\.js$/, ".ts");
      return path !== undefined && existsSync(path) ? path : undefined;
    },
    async load(path) {
      const inSource = relative(join(root, "src"), path);
      const live = await import(pathToFileURL(join(root, "dist", inSource.replace(/\.ts$/, ".js"))).href) as LiveValues;
      const isLanguage = languageFolders.includes(inSource.split(sep)[0]!);
      return { live, file: isLanguage ? undefined : { path: relative(root, path), text: readFileSync(path, "utf8") } };
    },
  };
  return { loader, id };
}

function missing(file: SourceFile, specifier: string): CompileError {
  const start = Math.max(0, file.text.indexOf(specifier));
  return new CompileError([{
    code: "module-missing", message: `no source of module "${specifier}" was found`,
    remedy: `import "./name.js" beside this file or "#layer/name.js"; kernel TypeScript has no packages`,
    span: { file, start, end: start + specifier.length },
  }]);
}
