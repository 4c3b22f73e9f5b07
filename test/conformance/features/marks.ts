// Services by firewall mark. A packet's mark goes by the port that it is for: in the guest tc gives it where packets come in, and weir finds it there.

import type { Feature } from "../feature.js";

/** The first of them is mark 1's. */
const PORT_OF_MARK_0 = 9000;
const MARKS = [1, 2, 3] as const;

/** In a hundred services. */
const BY_MARK = 60;

export const marks: Feature = {
  name: "marks",
  mark: ({ random }) => (random.percent(BY_MARK) ? random.pick(MARKS) : undefined),
};

export const portOfMark = (mark: number): number => PORT_OF_MARK_0 + mark;

/** Of what is for that port; 0: none. */
export const markOfPort = (port: number): number => MARKS.find((mark) => portOfMark(mark) === port) ?? 0;

/** For tc's -batch: both families, both protocols. */
export const MARKING = (device: string): readonly string[] => [
  `qdisc add dev ${device} clsact`,
  ...["ip", "ipv6"].flatMap((family) => ["tcp", "udp"].flatMap((protocol) => MARKS.map((mark) =>
    `filter add dev ${device} ingress protocol ${family} flower ip_proto ${protocol} dst_port ${portOfMark(mark)} action skbedit mark ${mark}`))),
];
