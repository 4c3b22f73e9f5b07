import assert from "node:assert/strict";
import { test } from "node:test";
import { openLog } from "./log.js";

test("every line is one of the log, with its level where the journal reads it", () => {
  const write = (isJournal: boolean): string => {
    let text = "";
    const log = openLog((part) => { text += part; }, isJournal);
    log("information", "up");
    log("warning", "down");
    log("error", "two\nlines");
    return text;
  };
  assert.equal(write(false), "up\ndown\ntwo\nlines\n");
  assert.equal(write(true), "<6>up\n<4>down\n<3>two\n<3>lines\n");
});
