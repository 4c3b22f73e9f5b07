// Packets that their sender cut: the first fragment comes first, the others in their order or the other way round. docs/lvs-compatibility.md: one that
// comes before the first is lost with weir; and what goes in a tunnel is cut outside of it by IPVS.

import { ACK, PSH, SYN } from "../../packets/frame.js";
import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Datagram, Flow, Step } from "../script.js";
import { withService } from "./administration.js";

/** Bytes of data in a fragment: as much as a wire takes, behind a header by IPv6 too; and less. */
const CUTS = [1448, 1024, 552, 256] as const;
const PAYLOADS = [600, 1500, 2500, 4000] as const;

export const fragments: Feature = {
  name: "fragments",
  moves: [{ weight: 50, make: begin }, { weight: 150, make: goOn }],
};

function begin(scene: Scene): readonly Step[] {
  return withService(scene, ({ protocol, virtual }) => {
    const { flow } = scene.begin(protocol, scene.somePortOf(virtual), scene.anyClient(virtual));
    return [{ kind: "request", flow, datagram: datagram(scene, flow, SYN) }];
  });
}

function goOn(scene: Scene): readonly Step[] {
  if (scene.flows.length === 0) return [];
  const { flow } = scene.random.pick(scene.flows);
  return [{ kind: scene.random.pick(["request", "answer"]), flow, datagram: datagram(scene, flow, PSH | ACK) }];
}

function datagram(scene: Scene, { protocol }: Flow, flags: number): Datagram {
  const { random } = scene;
  const cut = random.pick(CUTS);
  return {
    identification: scene.identification(), payloadBytes: random.pick(PAYLOADS.filter((bytes) => bytes > cut)), ...(protocol === "tcp" && { flags }), dontFragment: false,
    cut, lastFirst: random.percent(30),
  };
}
