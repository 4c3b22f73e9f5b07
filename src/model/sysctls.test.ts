import assert from "node:assert/strict";
import { test } from "node:test";
import { SYSCTL_NAMES, SysctlError, defaultSysctls, formatSysctl, isSetTo, sysctlNamed, sysctlValue } from "./sysctls.js";

const PAGES = 2 ** 20;

test("a sysctl is known with and without its prefix, with dots and with slashes", () => {
  for (const text of ["drop_entry", "net.ipv4.vs.drop_entry", "net/ipv4/vs/drop_entry"]) assert.equal(sysctlNamed(text), "drop_entry");
});

test("an unknown name gets a suggestion, and one that weir does without gets the reason", () => {
  const message = (text: string): string => {
    try {
      return sysctlNamed(text);
    } catch (error) {
      assert.ok(error instanceof SysctlError);
      return error.message;
    }
  };
  assert.equal(message("net.ipv4.vs.drop_entri"), `There is no sysctl "net.ipv4.vs.drop_entri"; did you mean "drop_entry"?`);
  assert.equal(message("ip_forward"), `There is no sysctl "ip_forward"; weir sysctl lists all`);
  assert.match(message("est_nice"), /weir does not have it; rates are estimated by a timer/);
  assert.equal(message("toString"), `There is no sysctl "toString"; weir sysctl lists all`);
});

test("numbers are read as the kernel reads them", () => {
  const read = (text: unknown) => sysctlValue("am_droprate", text);
  assert.deepEqual([" 7 ", "0x1F", "010", "-3", 5].map(read), [7, 31, 8, -3, 5]);
  for (const wrong of ["", "1x", "08", "1.5", "1 2", "2147483648", "-2147483649", null, true, [], [1, 2, 3]]) assert.equal(read(wrong), undefined, String(wrong));
});

test("sync_threshold has two numbers, written with a blank between them or as a list", () => {
  assert.deepEqual(sysctlValue("sync_threshold", "5 60"), [5, 60]);
  assert.deepEqual(sysctlValue("sync_threshold", [0, 0]), [0, 0]);
  for (const wrong of ["3", "60 5", "-1 5", "1 2 3"]) assert.equal(sysctlValue("sync_threshold", wrong), undefined, wrong);
  assert.equal(formatSysctl("sync_threshold", [3, 50]), "net.ipv4.vs.sync_threshold = 3\t50");
});

test("every default is a value that may be set", () => {
  const values = defaultSysctls(PAGES);
  for (const name of SYSCTL_NAMES) assert.deepEqual(sysctlValue(name, values[name]), values[name], name);
  assert.equal(values.sync_qlen_max, PAGES / 32);
});

test("of a defence the modes 1 and 2 are one, of other sysctls they are not", () => {
  assert.deepEqual([isSetTo("drop_entry", 1, 2), isSetTo("drop_entry", 1, 3), isSetTo("drop_entry", 0, 2), isSetTo("conn_reuse_mode", 1, 2)], [true, false, false, false]);
  assert.deepEqual([isSetTo("sync_threshold", [3, 50], [3, 50]), isSetTo("sync_threshold", [3, 50], [3, 60])], [true, false]);
});
