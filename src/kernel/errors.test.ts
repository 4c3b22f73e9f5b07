import assert from "node:assert/strict";
import { test } from "node:test";
import { EACCES, EAGAIN, ENOTSUPP, EOPNOTSUPP, EPERM, errnoName } from "./errno.js";
import { KernelError, systemError } from "./errors.js";

test("an error says what was attempted, what was found, and what would work", () => {
  const error = systemError("bpf(BPF_MAP_CREATE)", EPERM, `create map "services"`);
  assert.equal(error.message, `Cannot create map "services": no permission (EPERM); run as root, or with the capabilities CAP_BPF and CAP_NET_ADMIN`);
  assert.ok(error instanceof KernelError);
  assert.deepEqual([error.code, error.call, error.errno, error.errnoName], ["PERMISSION", "bpf(BPF_MAP_CREATE)", EPERM, "EPERM"]);
});

test("the caller's meaning of an errno goes before the common one", () => {
  const meanings = { [EACCES]: { code: "BUSY", found: "somebody sits there" } } as const;
  assert.equal(systemError("call", EACCES, "sit", meanings).message, "Cannot sit: somebody sits there (EACCES)");
});

test("an errno without a meaning is given by its name or its number", () => {
  assert.equal(systemError("call", 999, "do it").message, "Cannot do it: the kernel refuses (errno 999)");
  assert.deepEqual([EAGAIN, EOPNOTSUPP, ENOTSUPP].map(errnoName), ["EAGAIN", "EOPNOTSUPP", "ENOTSUPP"]);
});
