// Fragments, and time: those that follow the first must come before the kernel would have given up waiting for them. On the
// machine, whose time is moved on; the cases of cases/fragments.ts run in the kernel too.

import { test } from "node:test";
import { answered, configure, destination, forwarded, service, toStack } from "./case.js";
import { fragments, frame, payloadOf, udp } from "./frame.js";
import { machineWorld } from "./machine-world.js";
import { VIP, VIP6, at, client, client6, eth0, eth1, r1, r1v6 } from "./network.js";
import { checkFrame } from "./run-cases.js";

/** Linux net.ipv4.ipfrag_time, net.ipv6.ip6frag_time. */
const FAMILIES = [
  { name: "IPv4", from: client, vip: VIP, server: r1, seconds: 30, dataAt: 20, last: 0 },
  { name: "IPv6", from: client6, vip: VIP6, server: r1v6, seconds: 60, dataAt: 48, last: 8 },
];

for (const { name, from, vip, server, seconds, dataAt, last } of FAMILIES) {
  test(`${name}: a first fragment is remembered for ${seconds} seconds, in both directions`, async () => {
    const world = await machineWorld(64);
    configure(world.director, [service("udp", 80, [destination(server, 8080, "masq")], { address: vip })]);
    const cut = (source: string, sourcePort: number, to: string, toPort: number, ttl: number) =>
      fragments(udp(at(source, sourcePort), at(to, toPort), { ttl, dontFragment: false, payload: payloadOf(2000) }), { bytes: 1400 });
    const request = cut(from.address, 40000, vip, 80, 64);
    const answer = cut(server.address, 8080, from.address, 40000, 64);
    const fromClient = (packet: Uint8Array, expect: Parameters<typeof checkFrame>[4]) => checkFrame(world, "tc", frame({ from: from.mac!, to: eth0.mac }, packet), eth0, expect);
    const fromServer = (packet: Uint8Array, expect: Parameters<typeof checkFrame>[4]) => checkFrame(world, "tc", frame({ from: server.mac!, to: eth1.mac }, packet), eth1, expect);
    const requestSent = cut(from.address, 40000, server.address, 8080, 63);
    const answerSent = cut(vip, 80, from.address, 40000, 63);

    fromClient(request[0]!, forwarded(server, requestSent[0]!));
    fromServer(answer[0]!, answered(from, answerSent[0]!));
    await world.wait((seconds - 1) * 1000);
    fromClient(request[1]!, { ...forwarded(server, requestSent[1]!), counts: { bytesIn: request[1]!.length - dataAt - last } });
    fromServer(answer[1]!, { ...answered(from, answerSent[1]!), counts: { bytesOut: answer[1]!.length - dataAt - last } });
    await world.wait(2000);
    fromClient(request[1]!, toStack("fragment"));
    fromServer(answer[1]!, toStack("fragment"));
  });
}
