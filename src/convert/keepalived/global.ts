// global_defs: of all that stands there weir takes the timeouts of connections, the sync daemons and the user who runs scripts. The keywords are
// those of keepalived 2.2.7, keepalived/core/global_parser.c, init_global_keywords().

import { TIMEOUT_SECONDS_MAX } from "#model/config/schema.js";
import { show } from "#model/config/fields.js";
import type { Keyword, Keywords, Reading } from "./read.js";
import { left } from "./read.js";
import type { SyncDirective } from "./sync-daemon.js";
import { readSyncDirective } from "./sync-daemon.js";
import type { Directive } from "./tree.js";
import { readUser } from "./user.js";

export interface Globals {
  timeouts: { tcp?: number; tcpFin?: number; udp?: number };
  /** Who runs scripts that name nobody: "nobody", "nobody:nogroup". */
  scriptUser: string | undefined;
  sync: SyncDirective | undefined;
}

const VRRP = "left to keepalived; weir does no VRRP";
const MAIL = "left out; weir sends no mail: notifyUp and notifyDown can call what does";
const PROCESS = "left out; it is about keepalived's own processes";
const SNMP = "left out; weir has no SNMP and no D-Bus";
const RELOAD = "left out; weir reads its file again on SIGHUP";

const lefts = (why: string, ...names: readonly string[]): [string, Keyword<unknown>][] => names.map((name) => [name, left(why)]);

export const GLOBAL_KEYWORDS: Keywords<Globals> = {
  lvs_timeouts: { words: 6, becomes: "`timeouts`: `tcp`, `tcpFin`, `udp`", read: readTimeouts },
  lvs_sync_daemon: {
    words: 12, becomes: "`sync`: a master and a backup, which both run; `id` that is not told is the VRRP instance's `virtual_router_id`",
    read: (directive, globals, reading) => { globals.sync = readSyncDirective(directive, reading); },
  },
  script_user: {
    words: 2, becomes: "`scriptUser`", read: (directive, globals, reading) => { globals.scriptUser = readUser(directive, 0, reading); },
  },
  ...Object.fromEntries([
    ...lefts("left out; what weir.yaml does not name goes in any case", "lvs_flush"),
    ...lefts("left out; forwarding goes on when weir's daemon ends, and weir down stops it", "lvs_flush_on_stop", "lvs_flush_onstop"),
    ...lefts("left out; groups become services of their own, and need no marks of nftables", "nftables_ipvs", "nftables_ipvs_priority", "nftables_ipvs_start_fwmark"),
    ...lefts("left out; weir's API tells of events", "notify_fifo", "notify_fifo_script", "lvs_notify_fifo", "lvs_notify_fifo_script", "rs_init_notifies"),
    ...lefts("left out; weir's programs hold no such sockets", "lvs_netlink_cmd_rcv_bufs", "lvs_netlink_cmd_rcv_bufs_force", "lvs_netlink_monitor_rcv_bufs", "lvs_netlink_monitor_rcv_bufs_force",
      "process_monitor_rcv_bufs", "process_monitor_rcv_bufs_force", "vrrp_netlink_cmd_rcv_bufs", "vrrp_netlink_cmd_rcv_bufs_force", "vrrp_netlink_monitor_rcv_bufs", "vrrp_netlink_monitor_rcv_bufs_force"),
    ...lefts("left out; weir tells of every change of a server, not of every failure", "checker_log_all_failures"),
    ...lefts("left out; weir runs scripts as they are named, without looking at who may write them", "enable_script_security"),
    ...lefts("left out; weir runs in the network namespace that it is started in", "net_namespace", "net_namespace_ipvs", "namespace_with_ipsets"),
    ...lefts(MAIL, "notification_email", "notification_email_from", "smtp_server", "smtp_helo_name", "smtp_connect_timeout", "smtp_alert", "smtp_alert_vrrp", "smtp_alert_checker", "no_email_faults", "no_checker_emails", "router_id"),
    ...lefts(PROCESS, "process_names", "process_name", "vrrp_process_name", "checker_process_name", "lvs_process_name", "bfd_process_name", "startup_script", "startup_script_timeout",
      "shutdown_script", "shutdown_script_timeout", "max_auto_priority", "min_auto_priority_delay", "checker_priority", "checker_no_swap", "checker_rt_priority", "checker_cpu_affinity",
      "checker_rlimit_rttime", "checker_rlimit_rtime", "bfd_priority", "bfd_no_swap", "bfd_rt_priority", "bfd_cpu_affinity", "bfd_rlimit_rttime", "bfd_rlimit_rtime", "instance", "use_pid_dir",
      "child_wait_time", "tmp_config_directory", "config_save_dir", "data_use_instance", "random_seed", "umask", "linkbeat_use_polling"),
    ...lefts(SNMP, "snmp_socket", "enable_traps", "enable_snmp_vrrp", "enable_snmp_keepalived", "enable_snmp_rfc", "enable_snmp_rfcv2", "enable_snmp_rfcv3", "enable_snmp_checker", "enable_dbus", "dbus_service_name"),
    ...lefts(RELOAD, "reload_check_config", "reload_time_file", "reload_repeat", "reload_file", "include_check"),
    ...lefts(VRRP, "default_interface", "dynamic_interfaces", "disable_local_igmp", "vrrp_mcast_group4", "vrrp_mcast_group6", "vrrp_garp_master_delay", "vrrp_garp_master_repeat", "vrrp_garp_master_refresh",
      "vrrp_garp_master_refresh_repeat", "vrrp_garp_lower_prio_delay", "vrrp_garp_lower_prio_repeat", "vrrp_down_timer_adverts", "vrrp_garp_interval", "vrrp_gna_interval", "vrrp_min_garp", "vrrp_garp_extra_if",
      "vrrp_vmac_garp_intvl", "vrrp_lower_prio_no_advert", "vrrp_higher_prio_send_advert", "vrrp_version", "vrrp_iptables", "vrrp_ipsets", "nftables", "nftables_priority", "nftables_ifindex", "nftables_counters",
      "vrrp_check_unicast_src", "vrrp_skip_check_adv_addr", "vrrp_strict", "vrrp_priority", "vrrp_no_swap", "vrrp_rt_priority", "vrrp_cpu_affinity", "vrrp_rlimit_rttime", "vrrp_rlimit_rtime", "vrrp_notify_fifo",
      "vrrp_notify_fifo_script", "vrrp_notify_priority_changes", "vrrp_rx_bufs_policy", "vrrp_rx_bufs_multiplier", "vrrp_startup_delay", "vmac_prefix", "vmac_addr_prefix", "log_unknown_vrids", "fifo_write_vrrp_states_on_reload"),
  ]),
};

const TIMEOUTS: { readonly [word: string]: keyof Globals["timeouts"] } = { tcp: "tcp", tcpfin: "tcpFin", udp: "udp" };

/** lvs_timeouts [tcp SECS] [tcpfin SECS] [udp SECS] */
function readTimeouts(directive: Directive, { timeouts }: Globals, reading: Reading): void {
  if (directive.values.length === 0) reading.word(directive, "tcp, tcpfin or udp with a number of seconds");
  for (let i = 0; i < directive.values.length; i += 2) {
    const name = directive.values[i]!;
    if (!Object.hasOwn(TIMEOUTS, name)) return reading.report.mistake(directive, `lvs_timeouts: ${show(name)} is not known; known are ${Object.keys(TIMEOUTS).join(", ")}`);
    const seconds = reading.number(directive, "a number of seconds", 1, TIMEOUT_SECONDS_MAX, i + 1);
    if (seconds !== undefined) timeouts[TIMEOUTS[name]!] = seconds;
  }
}
