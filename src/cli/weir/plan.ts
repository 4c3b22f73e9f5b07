// weir plan FILE: what weir apply FILE would change, and what would become of the connections that stand. Changes nothing.

import { host } from "#control/host.js";
import { planConfiguration, type Plan } from "#control/plan.js";
import { withDaemon } from "./find-daemon.js";
import { findDirectorParts } from "./parts.js";
import { formatCount } from "./table.js";
import { readConfigurationAndDocument, selectInterfaces, summary } from "./configuration.js";

export async function plan(file: string): Promise<void> {
  const { configuration, document } = await readConfigurationAndDocument(file);
  const asked = await withDaemon((daemon) => daemon.plan(document, { file }));
  const planned: Plan = asked?.answer ?? await planConfiguration(configuration, selectInterfaces(configuration), findDirectorParts(() => {}), host);
  for (const line of planned.changes) console.log(line);
  for (const line of describeFates(planned)) console.log(line);
  console.log(`${file}: ${summary(configuration)}${planned.changes.length === 0 ? "; nothing to change" : `; ${formatCount(planned.changes.length)} to change, nothing was`}`);
}

function describeFates({ staying, leaving }: Plan): readonly string[] {
  if (staying === 0 && leaving.length === 0) return [];
  return [
    `connections: ${formatCount(staying)} stay with their server`,
    ...leaving.map(({ server, service, connections }) => `connections: ${formatCount(connections)} of ${service} lose their server ${server}; weight 0 would let them end by themselves`),
  ];
}
