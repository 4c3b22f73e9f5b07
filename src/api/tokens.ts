// Who may ask over the network: a file with one token a line, of which only the hash is kept.
//
//   # name:sha256 of the token, in hexadecimal[:read|write]
//   monitoring:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//   deploy:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752:write

import { createHash, timingSafeEqual } from "node:crypto";
import { ControlError } from "#control/errors.js";

export type Role = "read" | "write";

export interface Token {
  readonly name: string;
  readonly hash: Buffer;
  readonly role: Role;
}

/** Throws ControlError with every mistake; one that says no role may only read. */
export function parseTokens(text: string, file: string): readonly Token[] {
  const mistakes: string[] = [];
  const tokens = text.split("\n").flatMap((line, i): Token[] => {
    const content = line.trim();
    if (content === "" || content.startsWith("#")) return [];
    const [name = "", hash = "", role = "read", ...rest] = content.split(":");
    if (name === "") mistakes.push(`${file}:${i + 1}: a name is missing before the first colon`);
    if (!/^[0-9a-f]{64}$/i.test(hash)) mistakes.push(`${file}:${i + 1}: what stands behind ${name} is not a SHA-256 in hexadecimal; make one with: printf %s TOKEN | sha256sum`);
    if ((role !== "read" && role !== "write") || rest.length > 0) mistakes.push(`${file}:${i + 1}: the role of ${name} is neither read nor write`);
    return [{ name, hash: Buffer.from(hash, "hex"), role: role as Role }];
  });
  if (mistakes.length > 0) throw new ControlError("API", [`Cannot use the tokens in ${file}: ${mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`}`, ...mistakes].join("\n"));
  return tokens;
}

/** Whose it is; undefined: nobody's. Takes as long for any token, and for none. */
export function findToken(tokens: readonly Token[], authorization: string | undefined): Token | undefined {
  const [, token = ""] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  const hash = createHash("sha256").update(token).digest();
  const found = tokens.filter((one) => timingSafeEqual(one.hash, hash));
  return token === "" ? undefined : found[0];
}
