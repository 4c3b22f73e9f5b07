// weir.service: the daemon under systemd. The daemon can be stopped, restarted and lost, and packets flow on: what forwards is in the kernel.

import type { Place } from "./place.js";

export const CONFIGURATION_PATH = "/etc/weir/weir.yaml";

/** Of capabilities(7), what weir itself can need, each with what for. */
export const CAPABILITIES: Readonly<Record<string, string>> = {
  CAP_SYS_ADMIN: "mounts weir's BPF file system, and opens programs of the kernel by number",
  CAP_BPF: "loads programs and makes maps; CAP_SYS_ADMIN contains it",
  CAP_PERFMON: "lets programs do what the verifier allows only to the trusted; CAP_SYS_ADMIN contains it too",
  CAP_NET_ADMIN: "attaches programs, and sets addresses, routes, marks and net.ipv4",
  CAP_NET_RAW: "checks by ping, and through an interface",
  CAP_NET_BIND_SERVICE: "checks from a port below 1024, and an API that listens at one",
  CAP_SETUID: "a check's script runs as the user that is named",
  CAP_SETGID: "the same",
  CAP_KILL: "ends such a script when its time is over",
  CAP_CHOWN: "gives the API's socket to the group that is named",
};

export function systemdUnit({ node, packageFolder }: Place): string {
  return `# Written by weir install; weir uninstall takes it away. For changes: systemctl edit weir
[Unit]
Description=weir, a Linux Virtual Server director
Documentation=man:weir(8) man:weir.yaml(5)
Wants=network-online.target
After=network-online.target
ConditionPathExists=${CONFIGURATION_PATH}

[Service]
Type=notify
ExecStart=${argument(node)} ${argument(`${packageFolder}/bin/weir`)} up ${CONFIGURATION_PATH}
ExecReload=kill -HUP $MAINPID
# Stopping ends checks and the API, and leaves forwarding as it stands; weir down is what ends that.
KillMode=mixed
Restart=on-failure
RestartSec=2
# A wrong configuration is not better two seconds later.
RestartPreventExitStatus=2

# What weir itself needs. Commands of checks and notifications that need more: CapabilityBoundingSet= in a drop-in adds to these.
${Object.entries(CAPABILITIES).map(([name, purpose]) => `# ${purpose}\nCapabilityBoundingSet=${name}`).join("\n")}
LockPersonality=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM
# Not here, and why: ProtectSystem=, PrivateTmp= and their like give a mount namespace of its own, in which the BPF file system that all of
# weir's commands share would not be seen; RuntimeDirectory=weir would remove it with the daemon; MemoryDenyWriteExecute= forbids Node's
# compiler; NoNewPrivileges= keeps notifications from sending mail.

[Install]
WantedBy=multi-user.target
`;
}

/** systemd.service(5), COMMAND LINES: quotes around blanks, and "%" and "$" stand twice. */
function argument(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\]/.test(escaped) ? `"${escaped}"` : escaped;
}
