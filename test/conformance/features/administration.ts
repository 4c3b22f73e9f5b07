// Services and destinations come, change and go; some commands are refused.

import { endText } from "../addresses.js";
import type { Feature } from "../feature.js";
import type { Scene, ServiceSketch } from "../scene.js";
import { portOfMark } from "./marks.js";
import type { Command, Step } from "../script.js";

const PORTS = [80, 8080] as const;
const SERVICES_MAX = 5;
const WEIGHTS = [0, 1, 1, 1, 1, 2, 3, 5] as const;

export const administration: Feature = {
  name: "administration",
  moves: [
    { weight: 10, make: addService },
    { weight: 15, make: editService },
    { weight: 5, make: deleteService },
    { weight: 15, make: (scene) => withService(scene, (service) => [addDestination(scene, service)]) },
    { weight: 20, make: editDestination },
    { weight: 15, make: deleteDestination },
    { weight: 2, make: refused },
  ],
};

/** What a script begins with. */
export function addServices(scene: Scene): readonly Step[] {
  const { random } = scene;
  return Array.from({ length: 1 + random.below(3) }, () => {
    const steps = addService(scene);
    const service = scene.services.at(-1)!;
    return [...steps, ...Array.from({ length: 1 + random.below(4) }, () => addDestination(scene, service))];
  }).flat();
}

function addService(scene: Scene): readonly Step[] {
  const { random, services } = scene;
  if (services.length === SERVICES_MAX) return [];
  const addresses = scene.anyAddresses();
  const protocol = random.pick(scene.protocols);
  const virtual = { address: random.pick(addresses.virtual), port: random.pick([...PORTS, ...scene.features.flatMap(({ ports }) => ports ?? [])]) };
  const mark = markOf(scene);
  const service = { addresses, protocol, mark, virtual: mark === undefined ? virtual : { ...virtual, port: portOfMark(mark) }, destinations: new Set<string>() };
  if (services.some((other) => same(other, service))) return [];
  services.push(service);
  return [command("-A", ...serviceOf(service), ...serviceOptions(scene, service))];
}

function editService(scene: Scene): readonly Step[] {
  return withService(scene, (service) => [command("-E", ...serviceOf(service), ...serviceOptions(scene, service))]);
}

function deleteService(scene: Scene): readonly Step[] {
  return withService(scene, (service) => {
    for (const name of service.destinations) scene.removed(fullName(service, name));
    scene.services.splice(scene.services.indexOf(service), 1);
    return [command("-D", ...serviceOf(service))];
  });
}

function addDestination(scene: Scene, service: ServiceSketch): Step {
  const { random } = scene;
  const { servers, remote } = scene.anyAddresses();
  const host = random.percent(85) ? random.pick(servers) : remote;
  const name = endText({ address: host.address, port: random.percent(70) ? service.virtual.port : random.pick(PORTS) });
  service.destinations.add(name);
  return command("-a", ...serviceOf(service), "-r", name, ...destinationOptions(scene, service, name));
}

function editDestination(scene: Scene): readonly Step[] {
  return withDestination(scene, (service, name) => [command("-e", ...serviceOf(service), "-r", name, ...destinationOptions(scene, service, name))]);
}

function deleteDestination(scene: Scene): readonly Step[] {
  return withDestination(scene, (service, name) => {
    service.destinations.delete(name);
    scene.removed(fullName(service, name));
    return [command("-d", ...serviceOf(service), "-r", name)];
  });
}

/** Of something that is not there. */
function refused(scene: Scene): readonly Step[] {
  const { random } = scene;
  const { virtual, servers } = scene.anyAddresses();
  const service = ["-t", endText({ address: virtual[0], port: 7 })];
  return [random.pick([command("-D", ...service), command("-E", ...service), command("-a", ...service, "-r", servers[0]!.address), command("-d", ...service, "-r", servers[0]!.address)])];
}

function serviceOptions(scene: Scene, service: ServiceSketch): readonly string[] {
  const words = scene.features.flatMap((feature) => feature.serviceWords?.(scene, service) ?? []);
  return words.includes("-s") ? words : ["-s", "rr", ...words];
}

function destinationOptions(scene: Scene, service: ServiceSketch, name: string): readonly string[] {
  const { random } = scene;
  return [scene.methodFor(fullName(service, name), isOfOtherFamily(service, name)), "-w", `${random.pick(WEIGHTS)}`, ...scene.features.flatMap((feature) => feature.destinationWords?.(scene, service) ?? [])];
}

export function withService(scene: Scene, use: (service: ServiceSketch) => readonly Step[]): readonly Step[] {
  return scene.services.length === 0 ? [] : use(scene.random.pick(scene.services));
}

function withDestination(scene: Scene, use: (service: ServiceSketch, name: string) => readonly Step[]): readonly Step[] {
  return withService(scene, (service) => (service.destinations.size === 0 ? [] : use(service, scene.random.pick([...service.destinations]))));
}

export const command = (...words: readonly string[]): Command => ({ kind: "ipvsadm", words });
const OPTIONS = { tcp: "-t", udp: "-u", sctp: "--sctp-service" } as const;
export const serviceOf = ({ protocol, virtual, mark, addresses }: ServiceSketch): readonly string[] =>
  (mark === undefined ? [OPTIONS[protocol], endText(virtual)] : ["-f", `${mark}`, ...(addresses.family === 6 ? ["-6"] : [])]);
/** The first feature's that gives one. */
const markOf = (scene: Scene): number | undefined => scene.features.map(({ mark }) => mark?.(scene)).find((mark) => mark !== undefined);
const isOfOtherFamily = ({ addresses }: ServiceSketch, destination: string): boolean => destination.startsWith("[") !== (addresses.family === 6);
/** Its own among all services' destinations. */
const fullName = (service: ServiceSketch, destination: string): string => [...serviceOf(service), destination].join(" ");
const same = (a: ServiceSketch, b: ServiceSketch): boolean => serviceOf(a).join() === serviceOf(b).join();
