// This machine's settings, one kind a sibling in settings/.

import { address } from "./settings/address.js";
import { decapsulation } from "./settings/decapsulation.js";
import { defaultRoute } from "./settings/default-route.js";
import { link } from "./settings/link.js";
import type { Host, Setting, SettingKind } from "./settings/setting.js";
import { sysctl } from "./settings/sysctl.js";

const KINDS: { readonly [K in Setting["kind"]]: SettingKind<Extract<Setting, { kind: K }>> } = { address, sysctl, defaultRoute, link, decapsulation };

const kindOf = (setting: Setting): SettingKind<Setting> => KINDS[setting.kind] as SettingKind<Setting>;

export const host: Host = {
  read: (setting) => kindOf(setting).read(setting),
  write: (setting, value) => kindOf(setting).write(setting, value),
  describe: (setting, value) => kindOf(setting).describe(setting, value),
};
