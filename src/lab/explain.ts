// What the laboratory tells its reader: two or three sentences about each thing, for someone who knows neither LVS nor eBPF.

import type { Method } from "./plan.js";

export const INTRODUCTION =
  "A Linux Virtual Server is one address, the VIP, behind which several real servers do the work. The machine that holds it, "
  + "the director, does not answer: it chooses a real server for each connection and turns every packet of it there. It is not a proxy: "
  + "the connection is between client and server, and the server sees the client's own address.";

export const ABOUT_EBPF =
  "weir's director is a program in TypeScript (src/dataplane/entry.ts) that weir compiles to eBPF: instructions that the kernel verifies, "
  + "translates to machine code and runs for each packet as it comes in, before its own network stack. Services and connections stand in maps, "
  + "memory that programs and tools share; no process of weir's has to run while packets flow.";

export interface Explanation {
  readonly title: string;
  readonly text: string;
  /** What the reader should see in the walk. */
  readonly lookAt: string;
}

export const EXPLANATIONS: Readonly<Record<Method, Explanation>> = {
  nat: {
    title: "NAT: the director rewrites addresses",
    text: "The director replaces the destination of a request, VIP:80, by a real server's address and port, and on the way back the source of the answer by VIP:80. "
      + "The servers may run any system and keep private addresses, but the director must be their gateway, and both directions pass it.",
    lookAt: "The address pair changes at the director, once on the way there and once on the way back; this service's port too, 80 to 8080.",
  },
  dr: {
    title: "DR, direct routing: the director rewrites only the MAC address",
    text: "Director and servers stand on one segment. The director sends a request on to a server's MAC address; the IP header keeps its addresses. "
      + "The server accepts the packet because it holds the VIP too, hidden: it never answers ARP for it. It answers the client by itself, past the director.",
    lookAt: "No IP address changes on any wire, and the response does not pass the director at all.",
  },
  tun: {
    title: "TUN, tunnelling: the director puts the packet into another one",
    text: "The servers may be anywhere. The director puts a second IP header in front of a request, from itself to the real server, and any router can carry it there. "
      + "The server takes the outer header off, finds the VIP, which it holds hidden, and answers the client by itself, as with DR.",
    lookAt: "Two headers stand between director and server (20 bytes more); the inner one is the client's own. The response has one, and does not pass the director.",
  },
};
