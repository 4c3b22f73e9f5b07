// `weir lab`: builds each textbook LVS network in network namespaces, lets a real client talk to real servers through
// weir, and shows what happens to the packets. Leaves nothing behind.

import { CommandDirector, type LabDirector } from "./director.js";
import { ABOUT_EBPF, EXPLANATIONS, INTRODUCTION } from "./explain.js";
import { measure, type Comparison, type Measurements } from "./measure.js";
import { METHODS, VIP, type Method } from "./plan.js";
import { whyNoBpf, whyNoLaboratory } from "./requirements.js";
import { DIRECT_PORT, SERVICE_PORT, WEIGHTS, configuration, startServers } from "./scenario.js";
import { alignColumns, openTerminal, type Output, type Terminal } from "./terminal.js";
import { withTopology, type Topology } from "./topology.js";
import { walkTable } from "./walk-table.js";
import { walkRequest, type Walk } from "./walk.js";

export interface LabOptions {
  /** Default: weir's own commands. */
  readonly director?: LabDirector;
  /** One request's walk on the user-space machine: the same programs and packets, where no kernel may be used. */
  readonly simulateWalk?: (method: Method) => Promise<Walk>;
  /** How many of so many connections each server takes there. */
  readonly simulateDistribution?: (method: Method, count: number) => Promise<Record<string, number>>;
  /** Default: all. */
  readonly methods?: readonly Method[];
  readonly output?: Output;
  /** Whether to measure; default true. */
  readonly measure?: boolean;
  /** Uses no kernel, even where it could. */
  readonly simulate?: boolean;
}

interface MethodResult {
  readonly method: Method;
  /** "1 : 2 : 3" as it came out. */
  readonly shares: string;
  readonly sharesRight: boolean;
  readonly measurements: Measurements | undefined;
}

/** Ten rounds of wrr. */
const CONNECTIONS = 10 * WEIGHTS.reduce((sum, weight) => sum + weight, 0);

/** Shows it all. The exit status: 0 when everything came out as it should. */
export async function runLab(options: LabOptions = {}): Promise<number> {
  const terminal = openTerminal(options.output ?? process.stdout);
  const methods = options.methods ?? METHODS;
  const director = options.director ?? new CommandDirector();
  const started = performance.now();
  introduce(terminal);
  const lacking = options.simulate ? "No network is built, as asked." : whyNoLaboratory() ?? whyNoBpf();
  if (lacking !== undefined) return simulate(terminal, methods, lacking, options);
  const results: MethodResult[] = [];
  for (const method of methods) results.push(await withTopology(method, (topology) => showMethod(terminal, topology, director, options.measure !== false)));
  summarize(terminal, results, (performance.now() - started) / 1000);
  return results.every((result) => result.sharesRight) ? 0 : 1;
}

function introduce(terminal: Terminal): void {
  terminal.heading("weir: a Linux Virtual Server, its packet path in TypeScript");
  terminal.paragraph(INTRODUCTION);
  terminal.line();
  terminal.paragraph(ABOUT_EBPF);
}

async function showMethod(terminal: Terminal, topology: Topology, director: LabDirector, measuring: boolean): Promise<MethodResult> {
  const { method, namespaces } = topology;
  const { title, text, lookAt } = EXPLANATIONS[method];
  terminal.heading(title);
  terminal.paragraph(text);
  await startServers(topology);
  await topology.warm();
  try {
    await configure(terminal, topology, director);
    const client = await topology.worker(namespaces.client);
    await showWalk(terminal, topology, lookAt);
    const answered = await client.distribution({ address: VIP, port: SERVICE_PORT, count: CONNECTIONS });
    showDistribution(terminal, answered);
    const measurements = measuring ? await showMeasurements(terminal, topology) : undefined;
    await showStatistics(terminal, topology, director);
    return { method, ...sharesOf(answered), measurements };
  } finally {
    await director.down(topology);
  }
}

async function configure(terminal: Terminal, topology: Topology, director: LabDirector): Promise<void> {
  const text = configuration(topology);
  subheading(terminal, "The director's configuration, and what `weir apply` does with it");
  for (const line of text.trimEnd().split("\n")) terminal.line(terminal.dim(`  ${line}`));
  terminal.line();
  for (const line of await director.up(topology, text)) terminal.line(`  ${line}`);
  if (topology.method === "tun") await Promise.all(topology.namespaces.servers.map((server) => director.decapsulate(topology, server, "eth0")));
}

async function showWalk(terminal: Terminal, topology: Topology, lookAt: string): Promise<void> {
  const walk = await walkRequest(topology, SERVICE_PORT);
  subheading(terminal, `One request's walk, as captured on the wires (${walk.server} answered)`);
  for (const line of walkTable(walk, terminal)) terminal.line(`  ${line}`);
  terminal.line();
  terminal.paragraph(lookAt);
}

function showDistribution(terminal: Terminal, answered: Readonly<Record<string, number>>): void {
  subheading(terminal, `${CONNECTIONS} connections, one after the other, by weighted round robin (wrr)`);
  const rows = WEIGHTS.map((weight, i) => {
    const count = answered[`r${i + 1}`] ?? 0;
    return [`r${i + 1}`, `weight ${weight}`, `${count} connections`, terminal.mark("█".repeat(count))];
  });
  for (const line of alignColumns(rows, ["left", "left", "right", "left"])) terminal.line(`  ${line}`);
}

async function showMeasurements(terminal: Terminal, { namespaces, addresses, vip, worker }: Topology): Promise<Measurements> {
  const client = await worker(namespaces.client);
  const measurements = await measure(client, [{ address: vip, port: SERVICE_PORT }], addresses.servers.map((address) => ({ address, port: DIRECT_PORT })));
  subheading(terminal, "Through the director, beside the same client asking the same servers directly");
  const rows = [
    ["", "through the director", "directly", "ratio, median and range"].map(terminal.dim),
    ["requests/s, each a new connection", ...comparisonCells(measurements.requests, (value) => value.toFixed(0))],
    ["bulk, Gbit/s", ...comparisonCells(measurements.bulk, gigabits)],
  ];
  for (const line of alignColumns(rows, ["left", "right", "right", "right"])) terminal.line(`  ${line}`);
  return measurements;
}

async function showStatistics(terminal: Terminal, topology: Topology, director: LabDirector): Promise<void> {
  subheading(terminal, "What the kernel's maps have counted: ipvsadm -Ln --stats");
  for (const line of (await director.statistics(topology)).trimEnd().split("\n")) terminal.line(`  ${line}`);
}

function summarize(terminal: Terminal, results: readonly MethodResult[], seconds: number): void {
  terminal.heading("Summary");
  const rows = [
    ["", `shares for weights ${WEIGHTS.join(" : ")}`, "new connections", "bulk"].map(terminal.dim),
    ...results.map(({ method, shares, sharesRight, measurements }) => [
      method.toUpperCase(), sharesRight ? shares : `${shares}, not as weighted`,
      measurements ? `${measurements.requests.ratio.toFixed(2)} of direct` : "not measured",
      measurements ? `${measurements.bulk.ratio.toFixed(2)} of direct` : "not measured",
    ]),
  ];
  for (const line of alignColumns(rows)) terminal.line(`  ${line}`);
  terminal.line();
  terminal.line(terminal.dim(`${seconds.toFixed(0)} s; all namespaces are removed.`));
}

async function simulate(terminal: Terminal, methods: readonly Method[], lacking: string, { simulateWalk, simulateDistribution }: LabOptions): Promise<number> {
  terminal.heading("Without the kernel");
  terminal.paragraph(lacking);
  if (simulateWalk === undefined) return 1;
  terminal.line();
  terminal.paragraph("Here the same compiled programs run on weir's own eBPF machine, on the packets of one request by each method.");
  let status = 0;
  for (const method of methods) {
    const { title, text, lookAt } = EXPLANATIONS[method];
    terminal.heading(title);
    terminal.paragraph(text);
    terminal.line();
    for (const line of walkTable(await simulateWalk(method), terminal)) terminal.line(`  ${line}`);
    terminal.line();
    terminal.paragraph(lookAt);
    const answered = await simulateDistribution?.(method, CONNECTIONS);
    if (answered === undefined) continue;
    showDistribution(terminal, answered);
    if (!sharesOf(answered).sharesRight) status = 1;
  }
  return status;
}

function sharesOf(answered: Readonly<Record<string, number>>): { readonly shares: string; readonly sharesRight: boolean } {
  const counts = WEIGHTS.map((_, i) => answered[`r${i + 1}`] ?? 0);
  const round = CONNECTIONS / WEIGHTS.reduce((sum, weight) => sum + weight, 0);
  return { shares: counts.join(" : "), sharesRight: counts.every((count, i) => count === (WEIGHTS[i] ?? 0) * round) };
}

function comparisonCells(comparison: Comparison, format: (value: number) => string): string[] {
  const errors = comparison.errors === 0 ? "" : ` (${comparison.errors} failed)`;
  const { ratio, ratioLowest, ratioHighest } = comparison;
  return [format(comparison.director) + errors, format(comparison.direct), `${ratio.toFixed(2)} (${ratioLowest.toFixed(2)} to ${ratioHighest.toFixed(2)})`];
}

const gigabits = (bitsPerSecond: number): string => (bitsPerSecond / 1e9).toFixed(1);

function subheading(terminal: Terminal, text: string): void {
  terminal.line();
  terminal.line(terminal.bold(text));
}
