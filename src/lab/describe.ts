// A frame in one line, for messages of failed tests and for reading along:
//   02:…:01:10 > 02:…:01:01  198.51.100.10:40000 > 203.0.113.100:80  ttl 64  TCP S 0 bytes

import { dissect, type Ip } from "./dissect.js";

export function describeFrame(frame: Uint8Array): string {
  const { source, destination, etherType, arp, ip } = dissect(frame);
  const link = `${source} > ${destination}`;
  if (arp !== undefined) return `${link}  ARP ${arp.operation} for ${arp.targetAddress} from ${arp.senderAddress}`;
  return `${link}  ${ip === undefined ? `type 0x${etherType.toString(16).padStart(4, "0")}` : describeIp(ip)}`;
}

export function describeIp(ip: Ip): string {
  const [sourcePort, destinationPort] = portsOf(ip).map((port) => (port === undefined ? "" : `:${port}`));
  return `${ip.source}${sourcePort} > ${ip.destination}${destinationPort}  ttl ${ip.ttl}  ${describePayload(ip)}`;
}

/** Source and destination port, where there are any. */
export function portsOf(ip: Ip): readonly [number | undefined, number | undefined] {
  const transport = ip.tcp ?? ip.udp;
  return [transport?.sourcePort, transport?.destinationPort];
}

function describePayload(ip: Ip): string {
  if (ip.fragmentOffset > 0) return `fragment at ${ip.fragmentOffset}`;
  if (ip.tcp) return `TCP ${ip.tcp.flags} ${ip.tcp.payload.length} bytes`;
  if (ip.udp) return `UDP ${ip.udp.payload.length} bytes`;
  if (ip.inner) return `carries [${describeIp(ip.inner)}]`;
  if (ip.icmp) return `ICMP type ${ip.icmp.type} code ${ip.icmp.code}${ip.icmp.quoted ? ` about [${describeIp(ip.icmp.quoted)}]` : ""}`;
  return `protocol ${ip.protocol}`;
}
