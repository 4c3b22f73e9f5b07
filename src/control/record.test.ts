import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ControlError } from "./errors.js";
import { openRecord } from "./record.js";

const folder = mkdtempSync(join(tmpdir(), "weir-record-"));
after(() => rmSync(folder, { recursive: true }));

test("what is written is read, and a folder is made for it", () => {
  const record = openRecord<{ readonly vips: readonly string[] }>(join(folder, "new/up.json"));
  assert.equal(record.read(), undefined);
  record.write({ vips: ["10.0.0.100"] });
  assert.deepEqual(record.read(), { vips: ["10.0.0.100"] });
  assert.deepEqual(readdirSync(join(folder, "new")), ["up.json"]);
});

test("removing it twice is no error", () => {
  const record = openRecord(join(folder, "gone.json"));
  record.write({});
  record.remove();
  record.remove();
  assert.equal(record.read(), undefined);
});

test("a note that is damaged, or no file, is told with what to do", () => {
  const path = join(folder, "damaged.json");
  writeFileSync(path, "{");
  assert.throws(() => openRecord(path).read(), (error) => error instanceof ControlError && /by hand, then remove the file/.test(error.message));
  assert.throws(() => openRecord(folder).read(), ControlError);
  assert.throws(() => openRecord(join(path, "below")).write({}), ControlError);
});
