import assert from "node:assert/strict";
import { test } from "node:test";
import { array, struct } from "#layout/struct.js";
import { Be16, u16 } from "#layout/numbers.js";
import { table } from "#prelude/maps.js";
import { layoutOf } from "./layouts.js";

const layout = (fields: Parameters<typeof struct>[1], entries = 8): string => layoutOf(table("t", struct("S", fields), entries));

test("a field's name, type, place and an array's length are part of a layout, a table's entries are not", () => {
  const one = layout({ port: Be16, count: u16 });
  assert.equal(layout({ port: Be16, count: u16 }, 64), one);
  assert.equal(layout({ port: Be16, count: u16 }, 2 ** 28), one, "of two banks");
  const others = [layout({ port: Be16, counts: u16 }), layout({ port: u16, count: u16 }), layout({ count: u16, port: Be16 }), layout({ port: Be16, count: array(u16, 1) })];
  assert.equal(new Set([one, ...others]).size, 5);
});
