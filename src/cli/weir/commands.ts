// The command line of weir: which commands there are, with the words of --help, which the manual and the shells' completion
// tell too. What each does is in a sibling, loaded when it is asked for.

import { readFileSync } from "node:fs";
import { Argument, Command, Option } from "commander";
import type { ImportedFormat } from "#convert/format.js";
import { IMPORTED_FORMATS } from "#convert/format.js";
import type { ProcFile } from "../proc/files.js";
import type { Completed, Shell } from "./completion/scripts.js";
import type { InstallOptions } from "./install.js";
import type { ImportOptions } from "./import.js";
import type { LabSwitches, Method } from "./lab.js";
import type { PageName } from "./manual/pages.js";
import type { RealServerOptions } from "./realserver.js";

const METHODS: readonly Method[] = ["nat", "dr", "tun"];
const PROC_FILES: readonly ProcFile[] = ["ip_vs", "ip_vs_app", "ip_vs_conn", "ip_vs_conn_sync", "ip_vs_stats", "ip_vs_stats_percpu"];
const PAGES: readonly PageName[] = ["weir", "weir.yaml", "ipvsadm"];
const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];
const COMPLETED: readonly Completed[] = ["weir", "ipvsadm"];

/** Throws CommanderError for a wrong command line, and for --help and --version, all of which it has printed by then. */
export function createProgram(): Command {
  const program = new Command("weir")
    .description("A Linux Virtual Server director whose packet path is TypeScript, compiled to eBPF and run by the kernel.")
    .version(version(), "--version", "print the version")
    .helpOption("-h, --help", "print help for a command")
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ showGlobalOptions: false });

  program.command("up")
    .description("the daemon: bring the director to what a configuration file says, watch the servers by its checks, and serve the API; SIGHUP reads the file again")
    .argument("<file>", "weir.yaml (JSON is YAML too), or a file of keepalived, ldirectord or ipvsadm -S")
    .action(async (file: string) => (await import("./up.js")).up(file, version()));

  program.command("apply")
    .description("bring the director to what a configuration file says; the kernel then forwards without this program")
    .argument("<file>", "weir.yaml (JSON is YAML too), or a file of keepalived, ldirectord or ipvsadm -S")
    .option("--check", "only say whether the file is right", false)
    .action(async (file: string, options: { check: boolean }) => (await import("./apply.js")).apply(file, options));

  program.command("plan")
    .description("say what apply would change, and what would become of the connections that stand; changes nothing")
    .argument("<file>", "weir.yaml (JSON is YAML too), or a file of keepalived, ldirectord or ipvsadm -S")
    .action(async (file: string) => (await import("./plan.js")).plan(file));

  program.command("import")
    .description("print the file of another program as weir.yaml, its health checks included; what is left out is said line by line")
    .addArgument(new Argument("<format>", "whose file it is").choices(IMPORTED_FORMATS))
    .argument("<file>", "keepalived.conf, ldirectord.cf, or what ipvsadm -S printed; - for stdin")
    .option("--config-id <id>", "keepalived: what its conditions (@id) are compared with; without it the first part of the machine's name")
    .action(async (format: ImportedFormat, file: string, options: ImportOptions) => (await import("./import.js")).importCommand(format, file, options));

  program.command("schema")
    .description("print the JSON Schema of weir.yaml, by which editors complete and check it")
    .action(async () => (await import("./schema.js")).schema());

  program.command("down")
    .description("stop forwarding: detach from all interfaces, take away the VIPs that apply added, forget all state")
    .action(async () => (await import("./down.js")).down());

  program.command("status")
    .description("show the servers' health, where a daemon watches them, the interfaces, the services with their destinations and counters, the connection table")
    .action(async () => (await import("./status.js")).status());

  program.command("proc")
    .description("print what a file of /proc/net prints where the kernel's IPVS runs, to the byte")
    .addArgument(new Argument("<name>", "which of them").choices(PROC_FILES))
    .action(async (name: ProcFile) => (await import("./proc.js")).proc(name));

  program.command("sysctl")
    .description("show or set net.ipv4.vs of this network namespace's director; without a name, show all")
    .argument("[name[=value]...]", "drop_entry, net.ipv4.vs.drop_entry, drop_entry=1")
    .action(async (words: string[]) => (await import("./sysctl.js")).sysctl(words));

  program.command("lab")
    .description("show NAT, DR and TUN at work with real packets, in network namespaces of this machine")
    .addArgument(new Argument("[method...]", "which of them").choices(METHODS))
    .option("--no-measure", "show only, measure nothing")
    .option("--simulate", "use no kernel: the same programs on weir's own eBPF machine", false)
    .action(async (methods: Method[], options: LabSwitches) => (await import("./lab.js")).lab(methods, options));

  const realserver = program.command("realserver")
    .description("prepare this machine as a real server behind a director, and take that back");

  realserver.command("up")
    .description("dr, tun: hide the VIPs on the loopback, silence ARP for them; tun: take packets out of the tunnel; nat: the gateway")
    .requiredOption("--vip <address...>", "the virtual address, or several")
    .addOption(new Option("--method <method>", "how the director forwards").choices(METHODS).makeOptionMandatory())
    .option("--device <interface>", "where to hide the VIPs; without it on lo, by tun on tunl0 where the kernel has it")
    .option("--gateway <address>", "nat: the director's address, to become the default route")
    .action(async (options: RealServerOptions) => (await import("./realserver.js")).realServerUpCommand(options));

  realserver.command("down")
    .description("take back exactly what up changed")
    .action(async () => (await import("./realserver.js")).realServerDownCommand());

  realserver.command("status")
    .description("show what up changed, and whether it still stands")
    .action(async () => (await import("./realserver.js")).realServerStatusCommand());

  program.command("man")
    .description("print a page of the manual in the source that man reads: weir man weir.yaml | man -l -")
    .addArgument(new Argument("[page]", "which of them").choices(PAGES).default("weir"))
    .action(async (page: PageName) => (await import("./man.js")).man(page, program));

  program.command("completion")
    .description("print the script by which a shell completes command lines; weir install puts it where shells look")
    .addArgument(new Argument("<shell>", "for which shell").choices(SHELLS))
    .addArgument(new Argument("[program]", "for which program").choices(COMPLETED).default("weir"))
    .action(async (shell: Shell, name: Completed) => (await import("./completion.js")).completion(shell, name, program));

  program.command("install")
    .description("put in place what belongs to weir beside its programs: the unit of systemd, manual, completion, a first /etc/weir/weir.yaml")
    .option("--ipvsadm", "weir's ipvsadm too, in /usr/local/sbin, and in /usr/sbin where there is no other", false)
    .option("--root <directory>", "put it all under this folder, the root of an image that is being built", "/")
    .action(async (options: InstallOptions) => (await import("./install.js")).install(options, program));

  program.command("uninstall")
    .description("take back exactly what install has put in place; files that were changed since stay, and are named")
    .option("--root <directory>", "what was put under this folder", "/")
    .action(async (options: { root: string }) => (await import("./install.js")).uninstall(options));

  return program;
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };
  return version;
}
