// Many commands at once: each does its whole work, as if they had come one after the other.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bed, needs } from "./bed.js";

const AT_ONCE = 20;
const numbers = Array.from({ length: AT_ONCE }, (_, i) => i + 1);

describe("twenty ipvsadm at once", needs, () => {
  let bed: Bed;
  before(async () => { bed = await Bed.open("dr"); });
  after(() => bed?.close());

  test("make a director where there was none, with all of their services", async () => {
    const outcomes = await Promise.all(numbers.map((number) => bed.ipvsadm(["-A", "-t", `203.0.113.100:${number}`, "-s", "rr"])));
    assert.deepEqual(outcomes, Array(AT_ONCE).fill({ status: 0, stdout: "", stderr: "" }));
    assert.equal(await bed.tell("-S -n"), numbers.map((number) => `-A -t 203.0.113.100:${number} -s rr\n`).join(""));
  });

  test("add all of their destinations", async () => {
    const added = await Promise.all(numbers.map((number) => bed.ipvsadm(["-a", "-t", "203.0.113.100:1", "-r", `203.0.113.${10 + number}`, "-w", String(number)])));
    assert.deepEqual(added, Array(AT_ONCE).fill({ status: 0, stdout: "", stderr: "" }));
    const expected = numbers.map((number) => `-a -t 203.0.113.100:1 -r 203.0.113.${10 + number}:1 -g -w ${number}\n`).join("");
    assert.equal((await bed.tell("-S -n")).split("-A -t 203.0.113.100:2 ")[0], `-A -t 203.0.113.100:1 -s rr\n${expected}`);
  });
});
