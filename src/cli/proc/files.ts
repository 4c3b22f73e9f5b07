// Which files of /proc/net there are, and what makes each: text piece by piece, so that ten million connections need no
// memory of their own.

import type { Director } from "#model/director.js";
import { ipVs } from "./ip-vs.js";
import { ipVsApp } from "./ip-vs-app.js";
import { ipVsConn } from "./ip-vs-conn.js";
import { ipVsConnSync } from "./ip-vs-conn-sync.js";
import { ipVsStats } from "./ip-vs-stats.js";
import { ipVsStatsPercpu } from "./ip-vs-stats-percpu.js";

export const PROC_FILES = {
  ip_vs: ipVs,
  ip_vs_app: ipVsApp,
  ip_vs_conn: ipVsConn,
  ip_vs_conn_sync: ipVsConnSync,
  ip_vs_stats: ipVsStats,
  ip_vs_stats_percpu: ipVsStatsPercpu,
} as const satisfies { readonly [file: string]: (director: Director, processorsCount: number) => Generator<string> };

export type ProcFile = keyof typeof PROC_FILES;
