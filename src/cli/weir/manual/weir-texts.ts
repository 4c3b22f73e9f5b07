// What weir(8) tells beyond the words of --help. Everything that a command has is in commands.ts; here is what it is for.

export const INTRODUCTION: readonly string[] = [
  "A director owns virtual addresses (VIPs) and turns each connection to one of them to one of many real servers: by `nat`, which rewrites addresses, by `dr` (direct routing), "
    + "which rewrites the MAC address alone, or by `tun`, in a tunnel. weir does this as the IPVS of the Linux kernel does, with the same schedulers, states and sysctls, in a program that the kernel runs "
    + "at TC or XDP.",
  "Services, connections and counters stand in the kernel. Packets flow whether or not a process of weir's runs; `weir down` is what ends forwarding.",
  "All of it is of one network namespace: that in which weir is started.",
];

/** By a command's words; each text a paragraph. */
export const COMMAND_TEXTS: Readonly<Record<string, readonly string[]>> = {
  up: [
    "Runs in the foreground until SIGTERM or SIGINT, and then leaves forwarding as it stands. A file that is wrong when SIGHUP comes is reported, and all goes on as before. "
      + "The unit weir.service, which `weir install` puts in place, runs this command.",
  ],
  apply: [
    "What stands and is not in the file goes, and what the file leaves as it is keeps its connections. Where there is no director yet, one is made; if that fails, nothing is left of it.",
  ],
  plan: ["Nothing is changed. `weir plan` tells every change in the words in which it would be reported, how many connections stay with their servers, and which would lose theirs. Where the daemon runs it plans by the servers' health, and says whose checks become others."],
  down: ["The only command that ends forwarding. Stopping a daemon or a service of systemd does not."],
  proc: ["For programs that read /proc/net/ip_vs and its siblings."],
  sysctl: ["The whole command line is checked before anything is set. Names are given with `net.ipv4.vs.` or without; weir.yaml(5) lists them."],
  lab: ["Makes network namespaces of its own, and takes them away again. The machine's own network is not touched."],
  install: [
    "Everything goes where the administrator's own files belong: `/usr/local/lib/systemd/system/weir.service`, the pages of the manual and the shells' completion under `/usr/local/share`. "
      + "Of `/etc/weir/weir.yaml` a commented one is put only where there is none.",
    "`--ipvsadm` puts weir's ipvsadm into `/usr/local/sbin`, which is earlier in root's PATH than the system's own, and, where no package has put one, into `/usr/sbin`, where programs such as ldirectord look. "
      + "One that a package has put there stays; the message says how to divert it.",
    "What others have put is never overwritten, and of a run that fails nothing is left. Running it again, as after an upgrade of weir or of node, renews what was not changed since.",
  ],
  uninstall: ["To be run before `npm uninstall --global weir`, which knows nothing of these files. Where systemd runs, weir.service is stopped and disabled; forwarding goes on."],
  completion: ["Without `weir install`: `source <(weir completion bash)`."],
  "realserver up": ["What it changes it notes, with what was there before, and `weir realserver down` takes back exactly that."],
};

export const EXIT_STATUS: Readonly<Record<string, string>> = {
  0: "Done.",
  1: "It failed; the message says what was attempted, what was found, and what would work.",
  2: "The command line or the configuration is wrong; nothing was changed.",
};

export const FILES: Readonly<Record<string, string>> = {
  "/etc/weir/weir.yaml": "The configuration that weir.service runs. Any other file can be named.",
  "/etc/ipvsadm.rules": "What Debian's ipvsadm package has kept; `ipvsadm --restore` reads it, and `weir import ipvsadm` makes a weir.yaml of it.",
  "/var/lib/weir/install.json": "What `weir install` has put in place.",
  "/run/weir": "Where the state in the kernel is reached, one folder a network namespace.",
  "/var/cache/weir": "Compiled programs. May be deleted at any time.",
};

export const ENVIRONMENT: Readonly<Record<string, string>> = {
  WEIR_STATE: "Another folder in the place of `/run/weir`: a director apart.",
  WEIR_CACHE: "Another folder in the place of `/var/cache/weir`.",
};

interface Example {
  readonly text: string;
  readonly lines: readonly string[];
}

export const EXAMPLES: readonly Example[] = [
  { text: "See what a file would change, then make it so:", lines: ["weir plan /etc/weir/weir.yaml", "weir apply /etc/weir/weir.yaml", "weir status"] },
  { text: "Prepare a real server for direct routing:", lines: ["weir realserver up --method dr --vip 10.0.0.100"] },
];
