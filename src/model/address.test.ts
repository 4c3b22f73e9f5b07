import assert from "node:assert/strict";
import { test } from "node:test";
import { addressWords, formatAddress, formatIpv6, parseAddress, parseIpv4 } from "./address.js";

// What the real ipvsadm printed for each (its inet_pton() and inet_ntop() are glibc's).
const written: readonly [string, string][] = [
  ["1.2.3.4", "1.2.3.4"], ["0.0.0.0", "0.0.0.0"], ["255.255.255.255", "255.255.255.255"],
  ["::", "::"], ["::1", "::1"], ["::5", "::5"], ["::1.2.3.4", "::1.2.3.4"], ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
  ["FD00::ABCD", "fd00::abcd"], ["FD00:0:0:1:0:0:0:1", "fd00:0:0:1::1"], ["fd00::100:80", "fd00::100:80"],
  ["1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888"],
  ["1df2:62a6:48f6:b670:f10:0:1810:8a6", "1df2:62a6:48f6:b670:f10:0:1810:8a6"],
  ["1:0:0:2:0:0:3:4", "1::2:0:0:3:4"], ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"], ["0:0:1::", "0:0:1::"],
];

test("an address is written as the C library writes it", () => {
  for (const [text, expected] of written) assert.equal(formatAddress(parseAddress(text)!), expected, text);
});

test("what the C library does not read is no address", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.-4", " 1.2.3.4", ":", ":::", "1:::2", "1::2::3", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "fe80::1%lo", "::g", "1.2.3.4::", "::1.2.3", ":1::2"]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test("words are in host order", () => {
  assert.equal(parseIpv4("10.0.0.1"), 0x0a000001);
  assert.deepEqual(addressWords("fd00::1:2"), [0xfd000000, 0, 0, 0x00010002]);
});

test("random addresses come back from their text", () => {
  let seed = Number(process.env["WEIR_TEST_SEED"] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed} (WEIR_TEST_SEED)`);
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0);
  for (let i = 0; i < 2000; i++) {
    const word = () => ((random() & 3) === 0 ? 0 : (random() & 1 ? random() >>> 16 : random()) >>> 0);
    const words = [word(), word(), word(), word()] as const;
    assert.deepEqual(addressWords(formatIpv6(words)), words);
  }
});
