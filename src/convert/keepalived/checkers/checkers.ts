// The kinds of checkers by their names in keepalived.conf.

import type { Checker } from "./checker.js";
import { dns } from "./dns.js";
import { http, https } from "./http.js";
import { misc } from "./misc.js";
import { ping } from "./ping.js";
import { smtp } from "./smtp.js";
import { tcp } from "./tcp.js";
import { udp } from "./udp.js";

export const CHECKERS = {
  TCP_CHECK: tcp, HTTP_GET: http, SSL_GET: https, DNS_CHECK: dns, SMTP_CHECK: smtp, UDP_CHECK: udp, PING_CHECK: ping, MISC_CHECK: misc,
} as const satisfies { readonly [name: string]: Checker };

/** What weir has no check for: the server goes without. */
export const LEFT_CHECKERS = {
  BFD_CHECK: "left out, and the server goes without this check; weir has no BFD: a script check can ask what does",
  FILE_CHECK: "left out, and the server goes without this check; a script check can read the file, and setsWeight its weight",
} as const;
