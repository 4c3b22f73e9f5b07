// Reads what a request brings by its schemas: every mistake is noted, with its place and in the words that weir.yaml's have.

import type { Context } from "hono";
import type { z } from "zod";
import type { ConfigSource } from "#model/config/source.js";
import { IssueList, readSource } from "#model/config/source.js";
import type { ConfigIssue } from "#model/config/error.js";
import { ConfigError } from "#model/config/error.js";
import { readFields } from "#model/config/fields.js";
import { ApiError, wrongInput } from "./problems.js";

/** Ten thousand services with ten servers each are 8 MiB of YAML; 255 rules for marks are 64 KiB of JSON. */
const DOCUMENT_BYTES_MAX = 32 * 1024 * 1024;
const BODY_BYTES_MAX = 256 * 1024;

type Part = "path" | "query" | "headers" | "body";

/** A value of a request, and the mistakes that were found in it. */
export class Input {
  readonly issues: IssueList;
  readonly #part: Part;

  constructor(part: Part, text = "") {
    this.#part = part;
    this.issues = new IssueList(sourceOf(part, text));
  }

  read<S extends z.ZodObject>(schema: S, value: unknown): z.output<S> {
    const fields = readFields(schema, value, [], this.issues);
    this.done();
    return fields as z.output<S>;
  }

  /** Throws WRONG_INPUT with every mistake, when there are any. */
  done(): void {
    try {
      this.issues.throwIfAny();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw wrongInput(PART_NAMES[this.#part], error.issues);
    }
  }
}

const PART_NAMES: { readonly [part in Part]: string } = { path: "path", query: "query", headers: "headers", body: "body" };

/** The body's places are found only when there is something to say about them. */
function sourceOf(file: Part, text: string): ConfigSource {
  let source: ConfigSource | undefined;
  const start = { file, line: 1, column: 1 };
  return {
    file,
    value: undefined,
    place: (path, part) => {
      try {
        source ??= readSource(text, file);
      } catch {
        return start; // What JSON.parse() takes and YAML does not.
      }
      return source.place(path, part);
    },
  };
}

/** Of a body that is JSON. */
export async function readBody<S extends z.ZodObject>(context: Context, schema: S): Promise<{ readonly body: z.output<S>; readonly input: Input }> {
  const type = mediaType(context);
  if (type !== "application/json") throw new ApiError("MEDIA_TYPE", `Cannot use the body: its type is ${type || "not given"}; send JSON with content-type: application/json`);
  const text = await readText(context, BODY_BYTES_MAX);
  const input = new Input("body", text);
  return { body: input.read(schema, parse(text)), input };
}

/** Of a body that is a configuration: YAML, of which JSON is a part. */
export async function readDocument(context: Context): Promise<string> {
  const type = mediaType(context);
  if (!DOCUMENT_TYPES.includes(type)) throw new ApiError("MEDIA_TYPE", `Cannot use the body: its type is ${type || "not given"}; send weir.yaml with content-type: application/yaml, or JSON with application/json`);
  return readText(context, DOCUMENT_BYTES_MAX);
}

/** No further than it may be long. */
async function readText(context: Context, bytesMax: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (context.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > bytesMax) throw new ApiError("TOO_LARGE", `Cannot take the body: it is longer than ${bytesMax} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

export const DOCUMENT_TYPES: readonly string[] = ["application/yaml", "application/json", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain"];

const mediaType = (context: Context): string => (context.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError("MALFORMED", `Cannot use the body: it is not JSON: ${(error as Error).message}`);
  }
}

/** One thing that is wrong with a part that has no lines. */
export const issueAt = (file: Part, path: string, message: string): ConfigIssue => ({ file, line: 1, column: 1, path, message });
