// Real servers of a service: ipvsadm -a, -e, -d.

import { decodeDestination, decodeEndpoint, decodeServiceId, patchDestination } from "../decode.js";
import { encodeDestination, servicePath } from "../encode.js";
import { checkUnchanged, destinationTag, serviceTag } from "../etag.js";
import { findDestination, findService } from "../find.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Destination, DestinationInput, DestinationList, DestinationParams, DestinationPatch } from "../schemas/destination.js";
import { ServiceParams } from "../schemas/service.js";

const ALL = "/v1/services/{kind}/{service}/destinations";
const ONE = `${ALL}/{destination}`;
const Params = { ...ServiceParams, ...DestinationParams };

export function addDestinationRoutes(routes: Routes, operations: Operations): void {
  routes.add({
    method: "get", path: ALL, id: "destinations.list", summary: "All destinations of a service", params: ServiceParams, answer: DestinationList, problems: ["NO_SUCH_SERVICE"],
  }, ({ params, context }) => {
    const service = findService(operations, decodeServiceId(params), "list");
    context.header("etag", serviceTag(service));
    return { destinations: service.destinations.map(encodeDestination) };
  });

  routes.add({
    method: "post", path: ALL, id: "destinations.add", summary: "Add a destination", params: ServiceParams, body: DestinationInput, status: 201, answer: Destination,
    problems: ["NO_SUCH_SERVICE", "DESTINATION_EXISTS", "INVALID", "OUT_OF_RANGE", "NO_MEMORY", "CHANGED"],
  }, ({ params, body, input, context }) => {
    const id = decodeServiceId(params);
    return operations.change(async (changes) => {
      const service = findService(operations, id, "add a destination to");
      checkUnchanged(context, () => serviceTag(service));
      const destination = decodeDestination(body, id, input);
      await changes.addDestination(service, destination);
      const added = findDestination(findService(operations, id, "list"), destination, "list");
      const encoded = encodeDestination(added);
      context.header("location", `/v1/services/${servicePath(id)}/destinations/${encoded.id}`);
      context.header("etag", destinationTag(added));
      return encoded;
    });
  });

  routes.add({
    method: "get", path: ONE, id: "destinations.get", summary: "One destination", params: Params, answer: Destination, problems: ["NO_SUCH_SERVICE", "NO_SUCH_DESTINATION"],
  }, ({ params, context }) => {
    const endpoint = decodeEndpoint(params.destination, "destination");
    const destination = findDestination(findService(operations, decodeServiceId(params), "list"), endpoint, "list");
    context.header("etag", destinationTag(destination));
    return encodeDestination(destination);
  });

  routes.add({
    method: "patch", path: ONE, id: "destinations.edit", summary: "Change a destination; what is left out stays", params: Params, body: DestinationPatch, answer: Destination,
    problems: ["NO_SUCH_SERVICE", "NO_SUCH_DESTINATION", "INVALID", "OUT_OF_RANGE", "CHANGED"],
  }, ({ params, body, input, context }) => {
    const [id, endpoint] = [decodeServiceId(params), decodeEndpoint(params.destination, "destination")];
    return operations.change(async (changes) => {
      const service = findService(operations, id, "edit a destination of");
      const before = findDestination(service, endpoint, "edit");
      checkUnchanged(context, () => destinationTag(before));
      await changes.editDestination(service, patchDestination(before, body, id, input));
      const after = findDestination(findService(operations, id, "list"), endpoint, "list");
      context.header("etag", destinationTag(after));
      return encodeDestination(after);
    });
  });

  routes.add({
    method: "delete", path: ONE, id: "destinations.delete", summary: "Delete a destination", params: Params, problems: ["NO_SUCH_SERVICE", "NO_SUCH_DESTINATION", "CHANGED"],
  }, ({ params, context }) => {
    const [id, endpoint] = [decodeServiceId(params), decodeEndpoint(params.destination, "destination")];
    return operations.change(async (changes) => {
      const service = findService(operations, id, "delete a destination of");
      const destination = findDestination(service, endpoint, "delete");
      checkUnchanged(context, () => destinationTag(destination));
      await changes.deleteDestination(id, endpoint);
    });
  });
}
