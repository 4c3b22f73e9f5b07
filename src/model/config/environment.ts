// ${NAME} in the scalars of weir.yaml. It is put in after the text has become YAML, so that what a variable holds is always one
// scalar, whatever it contains; unquoted it is then read as YAML reads it: `port: ${PORT}` is a number.

import type { Document, ParseOptions, Scalar, ScalarTag } from "yaml";
import { isScalar, visit } from "yaml";

export type Environment = { readonly [name: string]: string | undefined };

export interface EnvironmentMistake {
  readonly scalar: Scalar;
  readonly message: string;
}

/** "$${" stands for "${" itself. */
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
/** With a default after ":-", as in a shell: it holds when the variable is empty too. */
const NAME = /^([A-Za-z_]\w*)(?::-(.*))?$/s;

/** Changes the document's values (keys stay as they are); gives what is wrong. */
export function substituteEnvironment(document: Document, environment: Environment): EnvironmentMistake[] {
  const mistakes: EnvironmentMistake[] = [];
  visit(document, {
    Scalar(key, scalar) {
      if (key === "key" || typeof scalar.value !== "string" || !scalar.value.includes("${")) return;
      const text = substitute(scalar.value, environment, (message) => void mistakes.push({ scalar, message }));
      scalar.value = scalar.type === "PLAIN" ? resolvePlain(document, text) : text;
    },
  });
  return mistakes;
}

function substitute(text: string, environment: Environment, mistake: (message: string) => void): string {
  return text.replace(REFERENCE, (reference, inside?: string, end?: string) => {
    if (inside === undefined) return "${";
    const [, name, fallback] = end === "}" ? NAME.exec(inside) ?? [] : [];
    if (name === undefined) {
      mistake(`${JSON.stringify(reference)} names no variable; write \${NAME}, \${NAME:-default}, or $\${ for these two characters themselves`);
      return reference;
    }
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && (value !== "" || fallback === undefined)) return value;
    if (fallback === undefined) mistake(`\${${name}} is not set in the environment; set it, or give a default: \${${name}:-…}`);
    return fallback ?? reference;
  });
}

/** A number, true, false or null where it looks like one. */
function resolvePlain(document: Document, text: string): unknown {
  const tag = document.schema?.tags.find((candidate): candidate is ScalarTag => "test" in candidate && candidate.default === true && candidate.test?.test(text) === true);
  const resolved = tag === undefined ? text : tag.resolve(text, () => {}, document.options as ParseOptions);
  return isScalar(resolved) ? resolved.value : resolved;
}
