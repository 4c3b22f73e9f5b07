// What belongs to no connection: errors about answers that nobody gave, and packets of real servers that nobody asked for, with the sysctls that
// make something of them.

import { ACK, RST, SYN } from "../../packets/frame.js";
import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Step } from "../script.js";
import { withService } from "./administration.js";

/** RFC 792: unreachable by host and port; time exceeded. RFC 4443: the same. */
const KINDS = { 4: [[3, 1], [3, 3], [11, 0]], 6: [[1, 3], [1, 4], [3, 0]] };
const QUOTES = { 4: [28, 60, 128], 6: [48, 80, 128] };
const PAYLOADS = [0, 10, 500] as const;
const FLAGS = [SYN, ACK, SYN | ACK, RST] as const;
const PORTS = [80, 8080, 81] as const;

export const strays: Feature = {
  name: "strays",
  moves: [{ weight: 30, make: set }, { weight: 60, make: report }, { weight: 60, make: say }],
};

function set({ random }: Scene): readonly Step[] {
  return [{ kind: "sysctl", name: random.pick(["schedule_icmp", "nat_icmp_send"]), value: random.pick([0, 1, 1]) }];
}

function report(scene: Scene): readonly Step[] {
  return withService(scene, ({ protocol, virtual, addresses: { family } }) => {
    const { random } = scene;
    const { flow } = scene.begin(protocol, scene.somePortOf(virtual), scene.anyClient(virtual));
    const [type = 0, code = 0] = random.pick(KINDS[family]);
    const answer = { identification: scene.identification(), payloadBytes: random.pick(PAYLOADS), ...(protocol === "tcp" && { flags: ACK }) };
    return [{
      kind: "error", flow, about: "answer", invented: answer, from: random.pick(["end", "router"]), type, code, rest: 0, quotes: random.pick(QUOTES[family]),
      identification: scene.identification(),
    }];
  });
}

function say(scene: Scene): readonly Step[] {
  return withService(scene, ({ protocol, virtual, addresses: { servers } }) => {
    const { random } = scene;
    const { flow } = scene.begin(protocol, scene.somePortOf(virtual), scene.anyClient(virtual));
    const server = random.pick(servers);
    const datagram = { identification: scene.identification(), payloadBytes: random.pick(PAYLOADS), ...(protocol === "tcp" && { flags: random.pick(FLAGS) }) };
    return [{ kind: "unasked", flow, server: { address: server.address, port: random.pick(PORTS) }, datagram }];
  });
}
