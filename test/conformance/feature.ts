// What every file of features/ gives: the kinds of steps that a feature adds to a script, and the options that it adds to
// services and destinations. A feature is switched off by leaving it out; the others do not know it.

import type { Scene, ServiceSketch } from "./scene.js";
import type { Step } from "./script.js";

export interface Feature {
  readonly name: string;
  /** Why scripts with it are played to weir at TC alone. */
  readonly notAtXdp?: string;
  readonly moves?: readonly Move[];
  /** Words for -A and -E. */
  readonly serviceWords?: (scene: Scene, service: ServiceSketch) => readonly string[];
  /** A firewall mark that a service is by; undefined: it is by its address. */
  readonly mark?: (scene: Scene) => number | undefined;
  /** That services are on, beside the usual ones. */
  readonly ports?: readonly number[];
  /** Words for -a and -e. */
  readonly destinationWords?: (scene: Scene, service: ServiceSketch) => readonly string[];
}

/** What may come next in a script. */
export interface Move {
  /** How often, beside the others' weights. */
  readonly weight: number;
  /** No steps when there is nothing to do it with. */
  readonly make: (scene: Scene) => readonly Step[];
}
