// Virtual services: ipvsadm -L, -A, -E, -D, -C, -Z.

import { decodeService, decodeServiceId, patchService } from "../decode.js";
import { encodeService, servicePath } from "../encode.js";
import { checkUnchanged, servicesTag, serviceTag } from "../etag.js";
import { findService } from "../find.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Service, ServiceInput, ServiceList, ServiceParams, ServicePatch } from "../schemas/service.js";

const ALL = "/v1/services";
const ONE = "/v1/services/{kind}/{service}";

export function addServiceRoutes(routes: Routes, operations: Operations): void {
  routes.add({
    method: "get", path: ALL, id: "services.list", summary: "All services with their destinations, counters and rates", answer: ServiceList,
  }, ({ context }) => {
    const services = operations.services();
    context.header("etag", servicesTag(services));
    return { services: services.map(encodeService) };
  });

  routes.add({
    method: "post", path: ALL, id: "services.add", summary: "Add a service", body: ServiceInput, status: 201, answer: Service,
    problems: ["SERVICE_EXISTS", "SCHEDULER_NOT_FOUND", "INVALID", "NO_MEMORY", "CHANGED"],
  }, ({ body, input, context }) => {
    const service = decodeService(body, input);
    return operations.change(async (changes) => {
      checkUnchanged(context, () => servicesTag(operations.services()));
      await changes.addService(service);
      const added = findService(operations, service.id, "list");
      context.header("location", `${ALL}/${servicePath(service.id)}`);
      context.header("etag", serviceTag(added));
      return encodeService(added);
    });
  });

  routes.add({
    method: "delete", path: ALL, id: "services.clear", summary: "Delete all services", problems: ["CHANGED"],
  }, ({ context }) => operations.change(async (changes) => {
    checkUnchanged(context, () => servicesTag(operations.services()));
    await changes.clear();
  }));

  routes.add({
    method: "get", path: ONE, id: "services.get", summary: "One service", params: ServiceParams, answer: Service, problems: ["NO_SUCH_SERVICE"],
  }, ({ params, context }) => {
    const service = findService(operations, decodeServiceId(params), "list");
    context.header("etag", serviceTag(service));
    return encodeService(service);
  });

  routes.add({
    method: "patch", path: ONE, id: "services.edit", summary: "Change a service; what is left out stays", params: ServiceParams, body: ServicePatch, answer: Service,
    problems: ["NO_SUCH_SERVICE", "SCHEDULER_NOT_FOUND", "INVALID", "CHANGED"],
  }, ({ params, body, input, context }) => {
    const id = decodeServiceId(params);
    return operations.change(async (changes) => {
      const before = findService(operations, id, "edit");
      checkUnchanged(context, () => serviceTag(before));
      await changes.editService(patchService(before, body, input));
      const after = findService(operations, id, "list");
      context.header("etag", serviceTag(after));
      return encodeService(after);
    });
  });

  routes.add({
    method: "delete", path: ONE, id: "services.delete", summary: "Delete a service with its destinations", params: ServiceParams, problems: ["NO_SUCH_SERVICE", "CHANGED"],
  }, ({ params, context }) => {
    const id = decodeServiceId(params);
    return operations.change(async (changes) => {
      checkUnchanged(context, () => serviceTag(findService(operations, id, "delete")));
      await changes.deleteService(id);
    });
  });

  routes.add({
    method: "post", path: `${ONE}/zero`, id: "services.zero", summary: "Begin the counters of a service and its destinations anew", params: ServiceParams, problems: ["NO_SUCH_SERVICE"],
  }, ({ params }) => {
    const id = decodeServiceId(params);
    return operations.change((changes) => changes.zero(id));
  });
}
