// The ways in which ipvsadm ends before its work is done.

/** Ends the program: `message` goes to stderr, with a newline. */
export class Exit extends Error {
  override readonly name = "Exit";
  constructor(readonly status: number, message?: string) {
    super(message ?? "");
  }
}

/** exit(-1), as a shell sees it. */
export const STATUS_FAILED = 255;
const STATUS_USAGE = 2;

export function fail(message: string): never {
  throw new Exit(STATUS_USAGE, message);
}

/** LVS differs: the real one names itself by the path that it was started by, which a script of Node's is not told. */
export function tryHelp(): never {
  throw new Exit(STATUS_FAILED, "Try `ipvsadm -h' or 'ipvsadm --help' for more information.");
}
