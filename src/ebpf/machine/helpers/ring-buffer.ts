// Ring buffers: Linux kernel/bpf/ringbuf.c.

import { EAGAIN, EINVAL, Fault } from "../errors.js";
import type { Execution } from "../execution.js";
import type { HelperFunctions } from "../helpers.js";
import { createGrave } from "../memory.js";
import { RingBufferMap } from "../ring-buffer.js";

const BPF_RB_NO_WAKEUP = 1n;
const BPF_RB_FORCE_WAKEUP = 2n;

const committed = createGrave("a record of a ring buffer that has been given away");

export const ringBufferHelpers: HelperFunctions = {
  bpf_ringbuf_output: (x) => {
    const ring = argumentRing(x);
    const data = x.argumentBytes(2, x.argument32(3), "read");
    if (x.argument64(4) & ~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)) return -EINVAL;
    const record = ring.reserve(data.length);
    if (record === undefined) return -EAGAIN;
    new Uint8Array(record.view.buffer).set(data);
    ring.commit(record, "submitted");
    return 0;
  },

  bpf_ringbuf_reserve: (x) => {
    const ring = argumentRing(x);
    const record = x.argument64(3) === 0n ? ring.reserve(x.argument32(2)) : undefined;
    if (record !== undefined) x.reservedRecords.set(record, ring);
    return record;
  },

  bpf_ringbuf_submit: (x) => commit(x, "submitted"),
  bpf_ringbuf_discard: (x) => commit(x, "discarded"),
};

function argumentRing(x: Execution): RingBufferMap {
  const map = x.argumentMap(1);
  if (map instanceof RingBufferMap) return map;
  throw new Fault(`argument 1 is map ${map.spec.name}, which is no ring buffer`);
}

function commit(x: Execution, state: "submitted" | "discarded"): void {
  const region = x.argumentRegion(1);
  const ring = x.reservedRecords.get(region);
  if (ring === undefined) throw new Fault(`argument 1 is ${region.name}, not a reserved record`);
  ring.commit(region, state);
  x.reservedRecords.delete(region);
  x.memory.retire(region, committed);
}
