// A data plane in memory, for tests and plans: which interfaces it would be on.

import type { AttachMode, InterfaceSelection } from "#model/config.js";
import type { HookChoice } from "./hook.js";
import type { Attachment, AttachmentChange, DataPlane, DataPlaneStatus, Hook } from "./plane.js";

export class MemoryPlane implements DataPlane {
  #attachments: readonly Attachment[];
  readonly #choose: (name: string, mode: AttachMode) => HookChoice;
  /** The name of an interface that takes no program. */
  refuse: string | undefined;

  /** `attachments`: those that it begins with. */
  constructor(attachments: readonly Attachment[] = [], choose: (name: string, mode: AttachMode) => HookChoice = (_name, mode) => ({ hook: hookOf(mode), reason: "in memory" })) {
    this.#attachments = attachments;
    this.#choose = choose;
  }

  async attach(interfaces: readonly InterfaceSelection[]): Promise<readonly AttachmentChange[]> {
    if (interfaces.some(({ name }) => name === this.refuse)) throw new Error(`Cannot attach to "${this.refuse}"`);
    const before = this.#attachments;
    this.#attachments = interfaces.map(({ name, mode }) => ({ interface: name, ...this.#choose(name, mode) }));
    const brought = this.#attachments.map((attachment): AttachmentChange => {
      const earlier = before.find((other) => other.interface === attachment.interface);
      return { ...attachment, change: earlier === undefined ? "attached" : earlier.hook === attachment.hook ? "kept" : "moved" };
    });
    const gone = before.filter((attachment) => !this.#attachments.some((other) => other.interface === attachment.interface));
    return [...brought, ...gone.map((attachment): AttachmentChange => ({ ...attachment, change: "detached" }))];
  }

  async detach(): Promise<readonly Attachment[]> {
    const gone = this.#attachments;
    this.#attachments = [];
    return gone;
  }

  status(): DataPlaneStatus {
    return { attachments: this.#attachments, connectionTables: [{ family: "IPv4", entriesUsed: 0, entriesMax: 1024 }, { family: "IPv6", entriesUsed: 0, entriesMax: 1024 }], verdicts: {}, stateDirectory: "in memory" };
  }
}

const hookOf = (mode: InterfaceSelection["mode"]): Hook => (mode === "auto" ? "tc" : mode);
