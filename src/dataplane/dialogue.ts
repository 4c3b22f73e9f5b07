// What is kept of an application's connection beside its entry, once there is something to keep: which answer is awaited,
// how its sequence numbers shift, and how many connections it has announced that still stand.

import type { u32 } from "#layout/numbers.js";
import { BPF_NOEXIST } from "#prelude/flags.js";
import { atomicAdd, make } from "#prelude/intrinsics.js";
import type { Dialogue } from "./maps.js";
import { Dialogue as DialogueStruct, dialogues } from "./maps.js";
import { placeOf } from "./place.js";

/** That of the connection in this place, or null. */
export function dialogueOf(index: u32): Dialogue | null {
  return dialogues.lookup(placeOf(index));
}

/** The same, a new one if there was none; null when there is no room for it. */
export function openDialogue(index: u32): Dialogue | null {
  const key = placeOf(index);
  const known = dialogues.lookup(key);
  if (known !== null) return known;
  dialogues.update(key, make(DialogueStruct), BPF_NOEXIST);
  return dialogues.lookup(key);
}

export function closeDialogue(index: u32): void {
  dialogues.delete(placeOf(index));
}

/** ip_vs.h, struct ip_vs_conn, n_control: connections that it announced. */
export function controlledBy(index: u32): u32 {
  "use subprogram";
  const dialogue = dialogueOf(index);
  return dialogue === null ? 0 : dialogue.controlled;
}

/** ip_vs_conn.c, ip_vs_control_del(): one of them is no more. */
export function forgetControlled(index: u32): void {
  const dialogue = dialogueOf(index);
  if (dialogue !== null) atomicAdd(dialogue, "controlled", 0xffffffff);
}
