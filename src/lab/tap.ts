// Captures on the wires. A tap stands at the switch's end of every cable, outside the hosts: a host's own capture misses
// what native XDP takes before the stack sees it, and what bpf_redirect_peer() hands over without it.

import type { Frame } from "./capture.js";
import type { Worker } from "./remote.js";

/** A frame on the cable of a host; directions are the host's. */
export interface WireFrame extends Frame {
  readonly host: string;
}

export interface Tap {
  /** All frames since the start, in the order that they passed; `lost` are those that found the capture full. */
  stop(): Promise<{ readonly frames: readonly WireFrame[]; readonly lost: number }>;
}

interface Port {
  readonly host: string;
  readonly interface: string;
  /** The interface of the switch that the cable ends at. */
  readonly port: string;
}

/** Every packet passes a handful of ports: room for a few hundred of them. */
const FRAMES_MAX = 16384;

export async function startTap(atSwitch: Worker, ports: readonly Port[]): Promise<Tap> {
  const capture = await atSwitch.capture({ framesMax: FRAMES_MAX });
  const byPort = new Map(ports.map((port) => [port.port, port]));
  return {
    async stop() {
      const { frames, lost } = await capture.stop();
      return { lost, frames: frames.flatMap((frame) => seenFromHost(frame, byPort.get(frame.interface))) };
    },
  };
}

/** What goes out of the switch's port comes in at the host. The bridges' own interfaces are no wires. */
function seenFromHost(frame: Frame, port: Port | undefined): WireFrame[] {
  if (port === undefined) return [];
  return [{ ...frame, host: port.host, interface: port.interface, direction: frame.direction === "out" ? "in" : "out" }];
}
