// Debian's ldirectord, unmodified, in a director's namespace: it finds weir's ipvsadm where it looks for ipvsadm.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, chmodSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Bed } from "./bed.js";
import { PROJECT } from "./bed.js";

const LDIRECTORD = "/usr/sbin/ldirectord";
/** Where ldirectord looks first; where /sbin is a link, the place behind it is what is covered. */
const IPVSADM = "/sbin/ipvsadm";
const STOP_MILLISECONDS_MAX = 10_000;

/** Why ldirectord cannot be run here; undefined when it can. */
export function whyNoLdirectord(): string | undefined {
  try {
    for (const program of [LDIRECTORD, IPVSADM]) accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    return "ldirectord is not installed; apt-get install --no-install-recommends ldirectord";
  }
}

export interface Ldirectord {
  /** All that it logged as yet. */
  log(): string;
  runs(): boolean;
  /** As an administrator stops it; its exit status. */
  stop(): Promise<number | null>;
}

/**
 * `configuration`: what ldirectord.cf says. `ip netns exec` gives the program a mount namespace of its own, so what is put
 * over ipvsadm there is seen by it and its children alone. That is a script, not bin/ipvsadm itself, which finds the rest of
 * weir from where it lies.
 */
export function startLdirectord({ state, topology: { namespaces } }: Bed, configuration: string): Ldirectord {
  const folder = join(state, "ldirectord");
  mkdirSync(folder, { recursive: true });
  const script = join(folder, "ipvsadm");
  writeFileSync(script, `#!/bin/sh\nexec ${process.execPath} ${PROJECT}bin/ipvsadm "$@"\n`);
  chmodSync(script, 0o755);
  // Supervised: it stays in the foreground, logs to its stdout and keeps no file with its process's number.
  const path = join(folder, "ldirectord.cf");
  writeFileSync(path, `supervised=yes\n${configuration}`);
  const command = `mount --bind ${script} "$(readlink -f ${IPVSADM})" && exec ${LDIRECTORD} ${path} start`;
  const child = spawn("ip", ["netns", "exec", namespaces.director, "sh", "-e", "-c", command], {
    env: { ...process.env, WEIR_STATE: state }, stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (part: string) => { text += part; });
  const ended = once(child, "close");
  return {
    log: () => text,
    runs: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      child.kill("SIGTERM");
      const late = new AbortController();
      await Promise.race([ended, delay(STOP_MILLISECONDS_MAX, undefined, { signal: late.signal }).then(() => child.kill("SIGKILL"), () => undefined)]);
      late.abort();
      await ended;
      return child.exitCode;
    },
  };
}
