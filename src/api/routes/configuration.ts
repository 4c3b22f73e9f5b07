// The configuration as a whole: weir plan, apply, down.

import { destinationInput, encodeMarkRule, serviceInput } from "../encode.js";
import { checkUnchanged, configurationTag } from "../etag.js";
import { DOCUMENT_TYPES, readDocument } from "../input.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Applied, ConfigurationInput, ConfigurationQuery, Plan, Running } from "../schemas/configuration.js";

const DOCUMENT = Object.fromEntries(DOCUMENT_TYPES.map((type) => [type, ConfigurationInput]));
/** As messages name a configuration whose file is not told. */
const FILE = "weir.yaml";

export function addConfigurationRoutes(routes: Routes, operations: Operations): void {
  routes.add({
    method: "get", path: "/v1/configuration", id: "configuration.get", summary: "What runs, as weir.yaml would say it: the director as it stands, which knows nothing of checks", answer: Running,
  }, ({ context }) => {
    context.header("etag", configurationTag(operations.running()));
    return encodeRunning(operations);
  });

  routes.add({
    method: "post", path: "/v1/plan", id: "configuration.plan", summary: "What apply would change, and what would become of the connections that stand; changes nothing",
    query: ConfigurationQuery, document: DOCUMENT, answer: Plan, changes: false,
  }, async ({ query, context }) => {
    const { changes, staying, leaving } = await operations.plan(operations.readConfiguration(await readDocument(context), query.file ?? FILE));
    return { changes: [...changes], staying, leaving: leaving.map((server) => ({ ...server })) };
  });

  routes.add({
    method: "post", path: "/v1/apply", id: "configuration.apply", summary: "Make the director what the configuration says, by the smallest difference",
    query: ConfigurationQuery, document: DOCUMENT, answer: Applied, problems: ["CHANGED", "NO_MEMORY", "INVALID"],
  }, async ({ query, context }) => {
    const configuration = operations.readConfiguration(await readDocument(context), query.file ?? FILE);
    return operations.change(async (changes) => {
      checkUnchanged(context, () => configurationTag(operations.running()));
      const lines = await changes.apply(configuration);
      context.header("etag", configurationTag(operations.running()));
      return { changes: [...lines] };
    });
  });

  routes.add({
    method: "post", path: "/v1/down", id: "configuration.down", summary: "Stop forwarding, and take back what was changed on this machine", answer: Applied, problems: ["CHANGED"],
  }, ({ context }) => operations.change(async (changes) => {
    checkUnchanged(context, () => configurationTag(operations.running()));
    return { changes: [...await changes.takeDown()] };
  }));
}

/** Destinations are listed newest first, and a file names the oldest first. */
function encodeRunning(operations: Operations): Running {
  const { services, timeouts, sysctls, markRules, syncDaemons, applied } = operations.running();
  return {
    services: services.map((service) => ({ ...serviceInput(service), destinations: service.destinations.toReversed().map(destinationInput) })),
    interfaces: operations.status().attachments.map(({ interface: name, hook }) => ({ name, mode: hook })),
    addresses: applied.flatMap(({ setting }) => (setting.kind === "address" ? [{ vip: `${setting.address}/${setting.prefixLength}`, interface: setting.interface }] : [])),
    timeouts: { ...timeouts },
    marks: markRules.map(encodeMarkRule),
    sync: syncDaemons.map((daemon) => ({ ...daemon })),
    sysctl: { ...sysctls, sync_threshold: [...sysctls.sync_threshold] },
  };
}
