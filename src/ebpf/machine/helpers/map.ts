// Maps: Linux kernel/bpf/helpers.c, bpf_map_lookup_elem() and its siblings.

import type { HelperFunctions } from "../helpers.js";

export const mapHelpers: HelperFunctions = {
  bpf_map_lookup_elem: (x) => {
    const map = x.argumentMap(1);
    return map.find(x.argumentBytes(2, map.spec.keySize, "read"), x.cpu);
  },

  bpf_map_update_elem: (x) => {
    const map = x.argumentMap(1);
    const key = x.argumentBytes(2, map.spec.keySize, "read");
    const value = x.argumentBytes(3, map.spec.valueSize, "read");
    return map.put(key, value, Number(x.argument64(4)), x.cpu);
  },

  bpf_map_delete_elem: (x) => {
    const map = x.argumentMap(1);
    return map.remove(x.argumentBytes(2, map.spec.keySize, "read"));
  },
};
