import assert from "node:assert/strict";
import { test } from "node:test";
import type { Block } from "../ir.js";
import { newBlock } from "../ir-builder.js";
import { testFunction } from "../_test-function.js";
import { dominatorsOf } from "./dominators.js";
import { loopDepths } from "./loops.js";

/** entry → head; head → body or after; body → left or right → latch → head */
function loop() {
  const blocks: Block[] = [];
  const fn = testFunction(["i32"], (b, x) => {
    blocks.push(b.block, ...Array.from({ length: 6 }, () => newBlock(b.fn)));
    const [, head, body, left, right, latch, after] = blocks as [Block, Block, Block, Block, Block, Block, Block];
    const condition = b.compare("eq", x, b.constant("i32", 0));
    b.jump(head);
    b.block = head;
    b.branch(condition, body, after);
    b.block = body;
    b.branch(condition, left, right);
    for (const side of [left, right]) {
      b.block = side;
      b.jump(latch);
    }
    b.block = latch;
    b.jump(head);
    b.block = after;
    b.return(x);
  });
  return { fn, blocks: blocks as [Block, Block, Block, Block, Block, Block, Block] };
}

test("a join's dominator is where its ways parted", () => {
  const { fn, blocks: [entry, head, body, left, , latch, after] } = loop();
  const dominators = dominatorsOf(fn);
  assert.equal(dominators.parent(entry), undefined);
  assert.equal(dominators.parent(latch), body);
  assert.equal(dominators.parent(after), head);
  assert.ok(dominators.dominates(head, latch) && dominators.dominates(latch, latch));
  assert.ok(!dominators.dominates(left, latch));
});

test("blocks of a loop are one deep, the others not", () => {
  const { fn, blocks } = loop();
  const depths = loopDepths(dominatorsOf(fn));
  assert.deepEqual(blocks.map((block) => depths.get(block)), [0, 1, 1, 1, 1, 1, 0]);
});
