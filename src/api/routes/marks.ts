// Rules that give packets firewall marks.

import { decodeMarkRules } from "../decode.js";
import { encodeMarkRule } from "../encode.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { MarkRules } from "../schemas/mark.js";

export function addMarkRoutes(routes: Routes, operations: Operations): void {
  const encode = (): MarkRules => ({ marks: operations.markRules().map(encodeMarkRule) });
  routes.add({ method: "get", path: "/v1/marks", id: "marks.list", summary: "Rules that give packets firewall marks, in their order", answer: MarkRules }, encode);
  routes.add({
    method: "put", path: "/v1/marks", id: "marks.set", summary: "Put these rules in the place of those that there are", body: MarkRules, answer: MarkRules, problems: ["NO_MEMORY"],
  }, ({ body, input }) => {
    const rules = decodeMarkRules(body.marks, input);
    return operations.change((changes) => {
      changes.setMarkRules(rules);
      return encode();
    });
  });
}
