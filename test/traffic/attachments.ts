// A program of its own, for Bed.script(): which links weir keeps in this network namespace, and which programs they run.

import { KernelStore } from "#control/kernel-store.js";
import { BpfLink, type LinkInfo } from "#kernel/link.js";

export type Attachments = { readonly [pin: string]: Pick<LinkInfo, "id" | "programId" | "ifindex"> };

const state = KernelStore.find()?.state;
const attachments: { [pin: string]: Attachments[string] } = {};
for (const pin of state?.list().links ?? []) {
  const { id, programId, ifindex } = BpfLink.open(state!.linkPath(pin)).info();
  attachments[pin] = { id, programId, ifindex };
}
console.log(JSON.stringify(attachments));
