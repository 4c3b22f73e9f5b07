// weir schema: the JSON Schema of weir.yaml.

import { configJsonSchema } from "#model/config/json-schema.js";

export function schema(): void {
  console.log(JSON.stringify(configJsonSchema(), null, 2));
}
