import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { namespacesLack as skip, withNamespace } from "./_privileges.js";
import { inNetworkNamespace } from "./namespace.js";
import { interfaceByName } from "./network.js";
import { xdpTransmitters } from "./xdp-features.js";

test("a veth takes XDP's frames while its other end has NAPI, the loopback never", { skip }, () => withNamespace("features", (path) => inNetworkNamespace(path, () => {
  const transmitters = (state: string): readonly boolean[] => {
    assert.equal(spawnSync("ethtool", ["-K", "right", "gro", state]).status, 0);
    const found = xdpTransmitters();
    assert.ok(found !== undefined);
    return ["left", "right", "lo"].map((name) => found.has(interfaceByName(name).index));
  };
  assert.deepEqual([transmitters("off"), transmitters("on")], [[false, false, false], [true, false, false]]);
})));
