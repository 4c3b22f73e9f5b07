import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, nearest } from "./suggest.js";

test("the distance of two words counts insertions, deletions, substitutions and swapped neighbours", () => {
  const distances = [["", "abc"], ["abc", "abc"], ["weight", "wieght"], ["method", "methd"], ["nat", "dr"]].map(([from, to]) => editDistance(from!, to!));
  assert.deepEqual(distances, [3, 0, 1, 1, 3]);
});

test("a mistyped word is the nearest known one, whatever its case", () => {
  const keys = ["address", "port", "method", "weight"];
  assert.deepEqual(["adress", "Port", "wieght", "METHOD"].map((word) => nearest(word, keys)), ["address", "port", "weight", "method"]);
});

test("of two as near the one that begins alike is meant", () => {
  assert.equal(nearest("wr", ["rr", "wrr"]), "wrr");
});

test("what is near to nothing is not guessed", () => {
  assert.equal(nearest("masquerade", ["nat", "dr", "tun"]), undefined);
});
