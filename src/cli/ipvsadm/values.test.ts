import assert from "node:assert/strict";
import { test } from "node:test";
import { leadingNumber, parseLooseIpv4, parseNumber } from "./values.js";

test("numbers are read as strtol() reads them, and nothing may follow", () => {
  for (const [text, number] of [["0", 0], ["007", 7], [" 5", 5], ["\t+5", 5], ["-0", 0], ["65535", 65535]] as const) assert.equal(parseNumber(text, 0, 65535), number, text);
  for (const text of ["", " ", "-", "5 ", "5x", "0x10", "5.", "65536", "-1", "99999999999999999999"]) assert.equal(parseNumber(text, 0, 65535), undefined, text);
});

test("IPv4 addresses are read as inet_aton() reads them", () => {
  const read: readonly [string, number][] = [
    ["1.2.3.4", 0x01020304], ["1.2.3", 0x01020003], ["1.2", 0x01000002], ["1", 1], ["4294967295", 0xffffffff], ["0x1.2.3.4", 0x01020304],
    ["010.1.1.1", 0x08010101], ["0", 0], ["1.65535", 0x0100ffff], ["1.2.3.4 anything", 0x01020304],
  ];
  for (const [text, address] of read) assert.equal(parseLooseIpv4(text), address, text);
  for (const text of ["", " 1.2.3.4", "1.2.3.4.5", "1.2.3.256", "256.1", "08.1.1.1", "1..2", "1.2.3.", ".", "0x", "0xg.1", "4294967296", "-1", "1.2.3.4x"]) {
    assert.equal(parseLooseIpv4(text), undefined, text);
  }
});

test("the number that a text begins with is read as atoi() reads it", () => {
  for (const [text, number] of [["64", 64], ["64x", 64], [" +64", 64], ["64.5", 64], ["/64", 0], ["", 0], ["-3", -3]] as const) assert.equal(leadingNumber(text), number, text);
});
