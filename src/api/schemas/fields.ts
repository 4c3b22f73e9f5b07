// What fields of several nouns are made of. A description completes the sentence "… is not <description>", as in model/config/schema.ts,
// whose words and limits these are: the API and weir.yaml speak of the same things by the same names.

import { z } from "zod";

export const whole = (unit: string, min: number, max: number) => z.int().min(min).max(max).describe(`${unit} from ${min} to ${max}`);
export const oneOf = <const Names extends readonly string[]>(names: Names) => z.enum(names).describe(`one of ${names.join(", ")}`);
export const optional = <S extends z.ZodType>(schema: S) => schema.optional().describe(schema.description ?? "valid");

export const address = z.string().describe("an address such as 10.0.0.100 or fd00::100");
export const port = whole("a port", 0, 65535);
export const time = z.iso.datetime().describe("a time, UTC");

/** Of JSON's numbers only those below 2^53 are exact, and a 100 Gbit/s interface counts as many bytes in eight days. */
export const count = z.string().regex(/^\d+$/).describe("a number of up to 64 bits, as text in decimal: JSON's own numbers are exact up to 2^53 only");

/** Of query strings, where all is text. */
export const wholeText = (unit: string, min: number, max: number) => z.coerce.number().int().min(min).max(max).describe(`${unit} from ${min} to ${max}`);
