// The process that lives in one network namespace and does there what it is asked, over the channel that Node gives to
// child processes. It ends with its parent: whatever becomes of that, no worker stays behind.

import { messageOf } from "./errors.js";
import { methods } from "./traffic/methods.js";

export interface Request {
  readonly id: number;
  readonly method: keyof typeof methods;
  readonly args: readonly unknown[];
}
export type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides when the workers end.
process.on("SIGINT", () => undefined);
process.on("message", (request: Request) => {
  answer(request).then((reply) => process.send?.(reply));
});
process.send?.("ready");

async function answer({ id, method, args }: Request): Promise<Reply> {
  try {
    const call = methods[method] as (...args: readonly unknown[]) => Promise<unknown>;
    return { id, result: await call(...args) };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}
