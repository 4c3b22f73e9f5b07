// What the two families have under the same names.

import { IPV4, IPV6 } from "../config.js";
import {
  Connection4, Connection6, Template4, Template6, beginnings4, beginnings6, bucketWords4, bucketWords6, buckets4, buckets6, connectionWords4, connectionWords6, connections4,
  connections6, templates4, templates6,
} from "./connections.js";
import { expiry4, expiry6 } from "./timers.js";

/** What a program of a family has under the names that do not say it: control/programs compiles with these. */
export const families = {
  ipv4: {
    FAMILY: IPV4, Connection: Connection4, connections: connections4, connectionWords: connectionWords4, Template: Template4, templates: templates4,
    buckets: buckets4, bucketWords: bucketWords4, beginnings: beginnings4, expiry: expiry4,
  },
  ipv6: {
    FAMILY: IPV6, Connection: Connection6, connections: connections6, connectionWords: connectionWords6, Template: Template6, templates: templates6,
    buckets: buckets6, bucketWords: bucketWords6, beginnings: beginnings6, expiry: expiry6,
  },
} as const;
