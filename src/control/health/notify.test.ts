import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "./clock.js";
import { systemClock } from "./clock.js";
import { describeEvent } from "./events.js";
import { NotificationQueue } from "./notify.js";

const folder = mkdtempSync(join(tmpdir(), "weir-notify-"));
after(() => rmSync(folder, { recursive: true }));

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await delay(10);
  assert.ok(condition());
}

const command = (...words: readonly string[]) => ({ words, user: undefined as string | undefined });

function queue(clock: Clock = systemClock): { readonly notifications: NotificationQueue; readonly log: string[] } {
  const log: string[] = [];
  return { notifications: new NotificationQueue(clock, (event) => log.push(...describeEvent(event))), log };
}

test("commands run one after another, without a shell, and what they wrote is told", async () => {
  const { notifications, log } = queue();
  const file = join(folder, "order");
  notifications.add(command("/bin/sh", "-c", `sleep 0.1; echo first >> ${file}; echo done`));
  notifications.add(command("/bin/sh", "-c", `echo second >> ${file}; echo no space >&2; exit 3`));
  notifications.add(command("/nonexistent/notify"));
  notifications.add(command("/bin/echo", "$HOME; true"));
  await until(() => log.length === 4);
  assert.equal(readFileSync(file, "utf8"), "first\nsecond\n");
  assert.match(log[0]!, /^ran \/bin\/sh .*: status 0: done$/);
  assert.match(log[1]!, /^could not run \/bin\/sh .*: status 3: no space$/);
  assert.match(log[2]!, /^could not run \/nonexistent\/notify: .*ENOENT/);
  assert.equal(log[3], "ran /bin/echo $HOME; true: status 0: $HOME; true");
});

test("one that does not end is ended, and the next has its turn", async () => {
  let late: (() => void) | undefined;
  const { notifications, log } = queue({ now: () => new Date(), after: (_seconds, use) => { late ??= use; return () => undefined; } });
  notifications.add(command("/bin/sleep", "60"));
  notifications.add(command("/bin/true"));
  late!();
  await until(() => log.length === 2);
  assert.deepEqual(log, ["could not run /bin/sleep 60: it did not end within 30 s", "ran /bin/true: status 0"]);
});

test("when it is stopped nothing more is run", async () => {
  const { notifications, log } = queue();
  notifications.add(command("/bin/sleep", "60"));
  notifications.add(command("/bin/true"));
  notifications.stop();
  await until(() => log.length === 1);
  assert.deepEqual(log, ["could not run /bin/sleep 60: weir ends"]);
});

test("those that wait are no more than a thousand", () => {
  const { notifications, log } = queue();
  for (let i = 0; i < 1002; i++) notifications.add(command("/bin/true"));
  assert.deepEqual(log, ["could not run /bin/true: 1000 others are waiting"]);
  notifications.stop();
});

test("they run as another user, without root's groups", { skip: process.getuid?.() === 0 ? false : "that is for root" }, async () => {
  const { notifications, log } = queue();
  const id = "id -un; id -gn; id -Gn";
  notifications.add({ words: ["/bin/sh", "-c", id], user: "nobody" });
  notifications.add({ words: ["/bin/sh", "-c", id], user: "nobody:daemon" });
  notifications.add({ words: ["/bin/true"], user: "nobody-at-all" });
  await until(() => log.length === 3);
  assert.deepEqual(log, [
    `ran /bin/sh -c ${id} as nobody: status 0: nobody; nogroup; nogroup`,
    `ran /bin/sh -c ${id} as nobody:daemon: status 0: nobody; daemon; daemon`,
    'could not run /bin/true as nobody-at-all: there is no user "nobody-at-all"',
  ]);
});
