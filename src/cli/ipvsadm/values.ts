// Option values as ipvsadm's C code reads them: strtol(), atoi(), inet_aton().

import { fail } from "./exit.js";

/** ipvsadm.c: 31 days. */
const TIMEOUT_SECONDS_MAX = 31 * 86400;
const FWMARK_MAX = 2 ** 32 - 1;

/** strtol(text, &end, 10) with nothing behind the number: leading blanks and a sign are accepted. */
export function parseNumber(text: string, minimum: number, maximum: number): number | undefined {
  if (!/^[ \t\n\v\f\r]*[+-]?\d+$/.test(text)) return undefined;
  // Adding 0 makes the 0 of "-0" an ordinary one.
  const number = Number(text) + 0;
  return number >= minimum && number <= maximum ? number : undefined;
}

export function parseNumberOrFail(text: string, minimum: number, maximum: number, message: string): number {
  return parseNumber(text, minimum, maximum) ?? fail(message);
}

export function parseTimeout(text: string, minimum: 0 | 1): number {
  return parseNumberOrFail(text, minimum, TIMEOUT_SECONDS_MAX, `invalid timeout value \`${text}' specified`);
}

export function parseFwmark(text: string): number {
  return parseNumberOrFail(text, 1, FWMARK_MAX, `invalid fwmark value \`${text}' specified`);
}

/** atoi(): the number that the text begins with, 0 when it begins with none. */
export function leadingNumber(text: string): number {
  return Number(/^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text)?.[1] ?? 0);
}

/**
 * inet_aton(): one to four parts, each decimal, octal (0…) or hexadecimal (0x…); the last fills what is left of the 32
 * bits. Anything may follow a blank.
 */
export function parseLooseIpv4(text: string): number | undefined {
  const [address = ""] = text.split(/[ \t\n\v\f\r]/);
  const parts = address.split(".").map(parsePart);
  const last = parts.pop();
  if (last === undefined || parts.length > 3 || last >= 256 ** (4 - parts.length)) return undefined;
  let value = last;
  for (const [i, part] of parts.entries()) {
    if (part === undefined || part > 255) return undefined;
    value += part * 256 ** (3 - i);
  }
  return value;
}

function parsePart(text: string): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(text)) return parseInt(text.slice(2), 16);
  if (/^0[0-7]*$/.test(text)) return parseInt(text, 8);
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}
