// Errors of this layer, beside DirectorError (model/director.ts), which is LVS's own.

/** Every code of ControlError, with what it means. */
export const CONTROL_ERROR_CODES = {
  RECORD: "weir's note of what it changed on this machine cannot be read or written.",
  STATE: "What is pinned was made by a version of weir that kept it otherwise; weir down takes it away.",
  API: "The API cannot be served as it is configured.",
  SYNCHRONISATION: "A sync daemon's process cannot be started, or could not do its work.",
  REAL_SERVER: "What is asked for cannot work on this real server; nothing was changed.",
} as const;
export type ControlErrorCode = keyof typeof CONTROL_ERROR_CODES;

export class ControlError extends Error {
  override readonly name = "ControlError";
  constructor(readonly code: ControlErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
  }
}
