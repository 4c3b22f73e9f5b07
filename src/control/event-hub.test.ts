import assert from "node:assert/strict";
import { test } from "node:test";
import type { DirectorEvent } from "#model/events.js";
import { EventHub } from "./event-hub.js";

const change = (line: string): DirectorEvent => ({ kind: "configuration", by: "api", changes: [line] });

test("every listener is told, in order, until it has had enough", () => {
  const hub = new EventHub();
  const heard: string[] = [];
  const listen = (name: string) => hub.subscribe(({ number }) => void heard.push(`${name}${number}`));
  const endA = listen("a");
  listen("b");
  hub.publish(change("one"));
  endA();
  hub.publish(change("two"));
  assert.deepEqual(heard, ["a1", "b1", "b2"]);
  assert.equal(hub.listeners, 1);
});

test("who comes back is given what came meanwhile, and told when some of it is no longer kept", () => {
  const hub = new EventHub(2);
  assert.deepEqual(hub.since(0), { events: [], missed: false });
  for (const line of ["one", "two", "three"]) hub.publish(change(line));
  const numbers = (from: number) => hub.since(from).events.map(({ number }) => number);
  assert.deepEqual([numbers(3), hub.since(3).missed], [[], false]);
  assert.deepEqual([numbers(1), hub.since(1).missed], [[2, 3], false]);
  assert.deepEqual([numbers(0), hub.since(0).missed], [[2, 3], true]);
});
