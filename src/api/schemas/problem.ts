// An answer that is none: RFC 9457, application/problem+json.

import { z } from "zod";

export const Issue = z.strictObject({
  path: z.string().describe("services[0].destinations[2].weight; empty for the whole"),
  message: z.string().describe("what was found, then what would work"),
  file: z.string().describe("of a configuration: the file's name; else body, path, query"),
  line: z.int().min(1),
  column: z.int().min(1),
}).meta({ id: "Issue" });

export const Problem = z.strictObject({
  type: z.string().describe("urn:weir:problem: and the code"),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().describe("the sentence that the command line prints"),
  issues: z.array(Issue).optional().describe("every mistake of the input"),
}).meta({ id: "Problem" });

export type Issue = z.infer<typeof Issue>;
export type Problem = z.infer<typeof Problem>;
