// An address on an interface. Its value is "present".

import { addAddress, addresses, removeAddress } from "#kernel/network.js";
import type { Setting, SettingKind } from "./setting.js";

export const address: SettingKind<Extract<Setting, { kind: "address" }>> = {
  read({ interface: name, address: wanted }) {
    return addresses().some((held) => held.interface === name && held.address === wanted) ? "present" : null;
  },

  write({ interface: name, address: wanted, prefixLength, label }, value) {
    if (value === null) removeAddress(name, wanted);
    else addAddress(name, wanted, prefixLength, label === undefined ? {} : { label });
  },

  describe({ interface: name, address: wanted, prefixLength, label }, value) {
    if (value === null) return `address ${wanted}/${prefixLength}: taken off ${name}`;
    return `address ${wanted}/${prefixLength}: put on ${name}${label === undefined ? "" : ` as ${label}`}`;
  },
};
